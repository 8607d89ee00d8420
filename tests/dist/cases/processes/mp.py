import multiprocessing as mp, sys, os
def square(x): return x * x
def child(q): q.put(("child", os.getpid() != os.getppid()))
if __name__ == "__main__":
    for method in ("fork", "spawn", "forkserver"):
        ctx = mp.get_context(method)
        with ctx.Pool(2) as pool:
            print(method, pool.map(square, range(5)))
        q = ctx.Queue(); p = ctx.Process(target=child, args=(q,)); p.start(); print(q.get()); p.join(); print(p.exitcode)
    from concurrent.futures import ProcessPoolExecutor
    with ProcessPoolExecutor(2) as e: print(list(e.map(square, range(4))))
