//! A folder as an artifact. Links are not followed: what they lead to is either in the folder, and seen
//! there, or is not part of the artifact.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

pub struct Directory {
    pub files: Vec<DirectoryFile>,
    /// Names of links, relative to the folder, and where they lead, as it is written.
    pub links: Vec<(String, String)>,
    /// Folders and files that could not be listed, relative to the folder, and why.
    pub unreadable: Vec<(String, String)>,
}

pub struct DirectoryFile {
    pub path: PathBuf,
    /// Relative, with `/` between its parts.
    pub name: String,
    pub size: u64,
    /// What Unix keeps of its kind and permissions.
    pub mode: Option<u32>,
}

impl Directory {
    /// Lists every regular file. Fails only where the folder itself cannot be read.
    pub fn open(root: &Path) -> io::Result<Self> {
        root.read_dir()?;
        let mut directory = Directory {
            files: Vec::new(),
            links: Vec::new(),
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
            let name = relative(root, entry.path());
            if entry.file_type().is_file() {
                let metadata = entry.metadata().ok();
                directory.files.push(DirectoryFile {
                    name,
                    size: metadata.as_ref().map_or(0, fs::Metadata::len),
                    mode: metadata.as_ref().and_then(mode),
                    path: entry.into_path(),
                });
            } else if entry.path_is_symlink() {
                match fs::read_link(entry.path()) {
                    Ok(target) => {
                        let target = target.to_string_lossy().into_owned();
                        directory.links.push((name, target));
                    }
                    Err(error) => directory.unreadable.push((name, error.to_string())),
                }
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

#[cfg(unix)]
fn mode(metadata: &fs::Metadata) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    Some(metadata.mode())
}

#[cfg(not(unix))]
fn mode(_: &fs::Metadata) -> Option<u32> {
    None
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
