"""Clients of lessonbank to copy from: each file stands alone and asserts what it shows."""
