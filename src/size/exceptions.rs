//! What some packages read that as a rule nothing does, and what is in tests as a rule.

use crate::component::Ecosystem;

/// Packages that compile code when the function runs, or are compilers: they need headers, sources and libraries of
/// their own.
pub const COMPILERS: &[&str] = &[
    "aesara",
    "brian2",
    "cffi",
    "cmake",
    "cmdstanpy",
    "cppyy",
    "cupy",
    "cython",
    "deepspeed",
    "httpstan",
    "keras",
    "mypyc",
    "numba",
    "pybind11",
    "pycuda",
    "pyopencl",
    "pytensor",
    "pythran",
    "tensorflow",
    "theano",
    "torch",
    "triton",
    "warp-lang",
    "ziglang",
    "node-gyp",
    "nan",
    "node-addon-api",
];

/// Of which packages, by how their names begin, a compiler reads the headers too.
pub const HEADERS_OF_OTHERS: &[(&str, &str)] = &[
    ("cupy", "nvidia-"),
    ("pycuda", "nvidia-"),
    ("torch", "nvidia-"),
    ("aesara", "numpy"),
    ("brian2", "numpy"),
    ("cython", "numpy"),
    ("pytensor", "numpy"),
    ("pythran", "numpy"),
    ("theano", "numpy"),
];

/// Whether a package is that compiler; `cupy-cuda12x` is one of cupy's.
pub fn is_compiler(package: &str, compiler: &str) -> bool {
    let rest = package.strip_prefix(compiler);
    rest.is_some_and(|rest| {
        rest.is_empty() || rest.starts_with("-cuda") || rest.starts_with("-rocm")
    })
}

/// Packages that read type declarations, their own and others'.
pub const READ_STUBS: &[(Ecosystem, &str)] = &[
    (Ecosystem::PyPi, "basedpyright"),
    (Ecosystem::PyPi, "griffe"),
    (Ecosystem::PyPi, "jedi"),
    (Ecosystem::PyPi, "mypy"),
    (Ecosystem::PyPi, "pyright"),
    (Ecosystem::PyPi, "pytype"),
    (Ecosystem::PyPi, "typeshed-client"),
    (Ecosystem::Npm, "@microsoft/api-extractor"),
    (Ecosystem::Npm, "monaco-editor"),
    (Ecosystem::Npm, "ts-loader"),
    (Ecosystem::Npm, "ts-morph"),
    (Ecosystem::Npm, "ts-node"),
    (Ecosystem::Npm, "typedoc"),
    (Ecosystem::Npm, "typescript"),
    (Ecosystem::Npm, "vue-tsc"),
];

/// Kinds of files in `tests` folders that tests read and, as a rule, nothing else: code, and samples of data.
const TEST_FILES: &[&str] = &[
    "py", "pyc", "pyi", "pyx", "pxd", "c", "h", "f", "f90", "pyf", "build", "txt", "rst", "md",
    "csv", "tsv", "json", "jsonl", "ndjson", "xml", "xsl", "html", "pkl", "pickle", "npy", "npz",
    "mat", "sav", "dat", "data", "arff", "nc", "fits", "h5", "hdf5", "parquet", "feather", "orc",
    "dta", "sas7bdat", "xpt", "xls", "xlsx", "xlsm", "xlsb", "ods", "wav", "png", "jpg", "jpeg",
    "gif", "svg", "tif", "tiff", "bmp", "pdf", "gz", "bz2", "xz", "zst", "zip", "tar",
];

pub fn is_test_file(path: &str) -> bool {
    let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    let kind = name.rsplit_once('.').map(|(_, kind)| kind);
    kind.is_some_and(|kind| TEST_FILES.contains(&kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compilers_are_known_for_each_version_of_cuda() {
        assert!(is_compiler("cupy", "cupy"));
        assert!(is_compiler("cupy-cuda12x", "cupy"));
        assert!(!is_compiler("torchvision", "torch"));
        assert!(!is_compiler("torch-geometric", "torch"));
    }

    #[test]
    fn macros_in_a_folder_of_tests_are_no_tests() {
        assert!(is_test_file("a/tests/data/x.csv.gz"));
        assert!(!is_test_file("a/tests/generic/builtin.sql"));
        assert!(!is_test_file("a/tests/data"));
    }
}
