//! A folder as an artifact. Links are not followed: what they lead to is either in the folder, and seen
//! there, or is not part of the artifact.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

pub struct Directory {
    pub files: Vec<DirectoryFile>,
    /// Folders and files that could not be listed, relative to the folder, and why.
    pub unreadable: Vec<(String, String)>,
}

pub struct DirectoryFile {
    pub path: PathBuf,
    /// Relative, with `/` between its parts.
    pub name: String,
    pub size: u64,
}

impl Directory {
    /// Lists every regular file. Fails only where the folder itself cannot be read.
    pub fn open(root: &Path) -> io::Result<Self> {
        root.read_dir()?;
        let mut directory = Directory {
            files: Vec::new(),
            unreadable: Vec::new(),
        };
        for entry in WalkDir::new(root).sort_by_file_name() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    let path = error.path().unwrap_or(root);
                    let reason = error
                        .io_error()
                        .map_or_else(|| error.to_string(), ToString::to_string);
                    directory.unreadable.push((relative(root, path), reason));
                    continue;
                }
            };
            if entry.file_type().is_file() {
                let size = entry.metadata().map_or(0, |m| m.len());
                directory.files.push(DirectoryFile {
                    name: relative(root, entry.path()),
                    path: entry.into_path(),
                    size,
                });
            }
        }
        Ok(directory)
    }
}

impl DirectoryFile {
    pub fn open(&self) -> io::Result<File> {
        File::open(&self.path)
    }
}

fn relative(root: &Path, path: &Path) -> String {
    let parts: Vec<_> = path
        .strip_prefix(root)
        .unwrap_or(path)
        .components()
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    parts.join("/")
}
