"""HTTP: what a host application mounts. The REST interface over the actions is not built yet; until then this
answers for the health of the process.
"""
