"""The shared copy of a store in a bucket: the lease, the uploads, the inbox."""
