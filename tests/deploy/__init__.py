"""The deployment files: parsed, checked against the product, and the image's steps tried."""
