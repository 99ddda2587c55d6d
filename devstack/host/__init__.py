"""A stand-in for the Functions host: it runs an app's functions through Microsoft's Python worker library.

`worker.py` is one worker process: it indexes the app, serves HTTP, and, in one worker at a time, fires timers
and blob triggers. `pool.py` starts the workers on one listening socket and keeps them alive.
"""
