"""Workers on the machines of an existing Ray cluster (`tegu worker --ray ADDRESS`, the extra `tegu[ray]`).

actor      an ordinary worker, in a process that the cluster starts
fleet      how many there are, who is let go, who is replaced
cluster    the only module that speaks to Ray
"""
