"""WHEN work runs: claim runs, drive their stages, checkpoint what happened, recover what others left.

It knows nothing of what a stage does: the app hands it one function that performs a StageTask.
"""
