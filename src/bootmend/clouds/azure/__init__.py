"""Azure: machines by Azure Resource Manager, disks by page-blob ranges.

Never run on Azure itself: docs/azure.md says against what it was run.
"""
