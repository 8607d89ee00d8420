//! Values, heap, types, evaluation, calls, exceptions, imports, threads.
