//! The folder of a database: who may write there, and how one file takes another's place.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::advisory::store;

const LOCK_NAME: &str = "fnaudit.lock";
/// The file that is being written. Whoever holds the lock may overwrite what a killed process left there.
const NEW_NAME: &str = "fnaudit.db.new";

/// A folder in which this process alone writes, for as long as it holds the value.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// The system gives it back when the process ends, however it ends.
    _lock: File,
}

impl Folder {
    /// Makes the folder where there is none, and waits until no other process writes there; `on_wait` is called
    /// if there is one.
    pub fn lock(path: &Path, on_wait: &mut dyn FnMut()) -> io::Result<Folder> {
        fs::create_dir_all(path)?;
        let lock = File::create(path.join(LOCK_NAME))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                on_wait();
                lock.lock()?;
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        Ok(Folder {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A database file that is not yet in its place.
    pub fn new_file(&self) -> io::Result<NewFile> {
        let path = self.path.join(NEW_NAME);
        // Not opened but made anew: what is there may be a link to something else.
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = File::options().write(true).create_new(true).open(&path)?;
        Ok(NewFile {
            file,
            path,
            target: self.path.join(store::FILE_NAME),
            persisted: false,
        })
    }
}

/// A file that takes the database's place, or goes when it is dropped.
#[derive(Debug)]
pub struct NewFile {
    file: File,
    path: PathBuf,
    target: PathBuf,
    persisted: bool,
}

impl NewFile {
    pub fn file(&self) -> &File {
        &self.file
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts it in the database's place, in one step. Who has the old one open keeps reading that.
    pub fn persist(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.path, &self.target)?;
        self.persisted = true;
        // So that the name outlives a power failure too. Not every system can do that to a folder.
        if let Some(folder) = self.target.parent()
            && let Ok(folder) = File::open(folder)
        {
            let _ = folder.sync_all();
        }
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.persisted {
            // Best effort: the error that led here is the one to report.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_file_takes_the_place_of_another_or_goes() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::lock(&dir.path().join("a/b"), &mut || panic!("no one")).unwrap();
        let target = folder.path().join(store::FILE_NAME);
        let write = |text: &[u8]| {
            let new = folder.new_file().unwrap();
            new.file().write_all(text).unwrap();
            new
        };
        write(b"one").persist().unwrap();
        drop(write(b"two"));
        assert_eq!(fs::read(&target).unwrap(), b"one");
        assert!(!folder.path().join(NEW_NAME).exists());
        // A process that is killed cleans nothing up.
        std::mem::forget(write(b"three"));
        write(b"four").persist().unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"four");
    }

    #[test]
    #[cfg(unix)]
    fn a_link_in_the_place_of_the_new_file_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::lock(dir.path(), &mut || {}).unwrap();
        let other = dir.path().join("other");
        fs::write(&other, "kept").unwrap();
        std::os::unix::fs::symlink(&other, dir.path().join(NEW_NAME)).unwrap();
        folder.new_file().unwrap().persist().unwrap();
        assert_eq!(fs::read(&other).unwrap(), b"kept");
    }

    #[test]
    fn two_at_once_wait_for_one_another() {
        let dir = tempfile::tempdir().unwrap();
        let first = Folder::lock(dir.path(), &mut || {}).unwrap();
        let mut waited = false;
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                Folder::lock(dir.path(), &mut || {
                    waited = true;
                    sender.send(()).unwrap();
                })
                .unwrap();
            });
            receiver.recv().unwrap();
            drop(first);
            waiting.join().unwrap();
        });
        assert!(waited);
    }
}
