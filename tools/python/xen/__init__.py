# SPDX-License-Identifier: LGPL-2.1-only
"""Parent package of the migration modules.

It only extends its path, so that an installed `xen` package that stands
later in sys.path isn't hidden. It never imports anything of either. Python
itself runs it, whenever something of `xen` is imported.
"""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)
