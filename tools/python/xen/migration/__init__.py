# SPDX-License-Identifier: LGPL-2.1-only
"""Reading and checking of migration streams.

It only extends its path, so that an installed `xen.migration` package that
stands later in sys.path isn't hidden. It never imports anything of either.
Python itself runs it, whenever something of `xen.migration` is imported.
"""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)
