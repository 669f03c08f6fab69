# SPDX-License-Identifier: LGPL-2.1-only
"""The lab as a library: two real Xen hosts under QEMU, for test programs.

Test programs say `from labkit import Lab` with this folder's parent in
sys.path; the command line is cli.py.  Nothing here touches the product.
"""
from .errors import LabError
from .lab import Lab, Result

__all__ = ["Lab", "LabError", "Result"]
