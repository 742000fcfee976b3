"""The shared host, measured: fronts, memory, the socket, hooks and the first recall.

stage  temporary stores, the processes over them, and their end
weigh  starts of fronts, and what processes weigh together
calls  the port over the socket beside the same memory in process
hook   the real hook command, warm and cold
first  from nothing running to the first learned recall
"""

NAME = "hosts"
CLAIM = "fronts are light, one host serves them all, and the socket costs little beside a recall"
