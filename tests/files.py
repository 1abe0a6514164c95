"""Input files for the tests, written and read without any library."""
import json
import struct


def npy(path, shape, values, descr="<f8", fortran=False, version=1):
    """A .npy file: values in the order of the file."""
    header = repr({"descr": descr, "fortran_order": fortran, "shape": tuple(shape)}).encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    code = {"f8": "d", "f4": "f", "f2": "e", "i8": "q"}[descr[1:]]
    order = ">" if descr[0] == ">" else "<"
    with open(path, "wb") as f:
        f.write(b"\x93NUMPY" + bytes([version, 0]))
        f.write(struct.pack("<H" if version == 1 else "<I", len(header)) + header)
        f.write(struct.pack(order + code * len(values), *values))


def safetensors(path, tensors):
    """tensors: name -> (shape, values)."""
    header, blob = {}, b""
    for name, (shape, values) in tensors.items():
        data = struct.pack("<%dd" % len(values), *values)
        header[name] = {"dtype": "F64", "shape": list(shape), "data_offsets": [len(blob), len(blob) + len(data)]}
        blob += data
    text = json.dumps(header).encode()
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + blob)


def read(path):
    """name -> (shape, values) of a .safetensors file of F64 and F32 tensors."""
    with open(path, "rb") as f:
        data = f.read()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + size])
    header.pop("__metadata__", None)
    tensors = {}
    for name, t in header.items():
        begin, end = (8 + size + offset for offset in t["data_offsets"])
        size_of, code = {"F64": (8, "d"), "F32": (4, "f")}[t["dtype"]]
        tensors[name] = (t["shape"], list(struct.unpack("<%d%s" % ((end - begin) // size_of, code), data[begin:end])))
    return tensors


def values(count, seed=1):
    """Numbers without structure: SplitMix64 as floats in [-1, 1)."""
    result, mask = [], (1 << 64) - 1
    for k in range(1, count + 1):
        z = (seed * 1000003 + k * 0x9E3779B97F4A7C15) & mask
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        result.append(((z ^ (z >> 31)) >> 11) * 2.0**-52 - 1)
    return result
