"""HTTP: what a host application mounts. The REST interface over the actions comes with part 4 of the plan; until then this
answers for the health of the process.
"""
