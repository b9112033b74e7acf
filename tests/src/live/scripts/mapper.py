"""Maps a file as a loader maps a library, and waits for the end of its input."""
import mmap
import os
import sys

file = os.open(sys.argv[1], os.O_RDONLY)
length = min(os.fstat(file).st_size, 1 << 20)
mapping = mmap.mmap(file, length, prot=mmap.PROT_READ | mmap.PROT_EXEC, flags=mmap.MAP_PRIVATE)
os.close(file)
print("mapped", flush=True)
sys.stdin.read()
