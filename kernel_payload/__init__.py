"""The payload: what tmrun injects in a kernel, and the one implementation of the varchive.

Needs only the standard library, ipykernel with what that brings, cloudpickle and xxhash.
"""
