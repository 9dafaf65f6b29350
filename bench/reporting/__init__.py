# SPDX-License-Identifier: MIT OR Apache-2.0
"""What report.py is made of."""
