# SPDX-License-Identifier: LGPL-2.1-only
"""Real QEMUs that speak COLO, without a vCPU and so without KVM.

A machine without a processor takes part in a migration as any other does; its
memory is a file that the test writes.  pair.py is where to begin.
"""
