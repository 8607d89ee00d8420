import json, re, datetime, asyncio, subprocess, sys
print("x".encode("cp1252"), datetime.datetime.strptime("2024-01-01", "%Y-%m-%d"), json.loads("[1]"))
async def f(): await asyncio.sleep(0); return 1
print(asyncio.run(f()))
class C[T]: pass
print(C[int], int | None, t"a{1}")
try: 1/0
except Exception: import traceback; traceback.print_exc()
import warnings; warnings.warn("hm")
