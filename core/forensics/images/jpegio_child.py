"""Run as a script, alone in its process: reads a JPEG with jpegio and writes its arrays.

jpegio calls `exit` where libjpeg meets an error, so this must not share a process with anything.
"""

import sys

import jpegio
import numpy as np

if __name__ == "__main__":
    source, target = sys.argv[1:]
    read = jpegio.read(source)
    arrays = {f"coefficients{i}": array for i, array in enumerate(read.coef_arrays)}
    np.savez(
        target,
        tables=np.stack([read.quant_tables[part.quant_tbl_no] for part in read.comp_info]),
        factors=np.array([(part.v_samp_factor, part.h_samp_factor) for part in read.comp_info]),
        size=np.array((read.image_height, read.image_width)),
        **arrays,
    )
