def f(): print("pure")
