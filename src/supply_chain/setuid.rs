//! Programs that run with the rights of their owner or group, whoever starts them.

use crate::artifact::Artifact;
use crate::finding::Severity;
use crate::inspect::{Observations, ObservedFile};

use super::{Sighting, rules};

const SETUID: u32 = 0o4000;
const SETGID: u32 = 0o2000;

/// What distributions ship so, by file name, in the folders below: Debian, Ubuntu, Alpine, Fedora, Amazon Linux.
const ORDINARY: [&str; 44] = [
    "at",
    "bbsuid",
    "bsd-write",
    "bwrap",
    "chage",
    "chfn",
    "chrome-sandbox",
    "chsh",
    "crontab",
    "dbus-daemon-launch-helper",
    "dotlockfile",
    "expiry",
    "fusermount",
    "fusermount3",
    "gpasswd",
    "grub2-set-bootflag",
    "locate",
    "lockfile",
    "mail-lock",
    "mail-touchlock",
    "mail-unlock",
    "mlocate",
    "mount",
    "mount.cifs",
    "mount.nfs",
    "newgidmap",
    "newgrp",
    "newuidmap",
    "ntfs-3g",
    "pam_extrausers_chkpwd",
    "pam_timestamp_check",
    "passwd",
    "ping",
    "pkexec",
    "polkit-agent-helper-1",
    "ssh-agent",
    "ssh-keysign",
    "su",
    "sudo",
    "sudoedit",
    "umount",
    "unix_chkpwd",
    "utempter",
    "wall",
];
const SYSTEM_FOLDERS: [&str; 6] = ["bin/", "lib/", "sbin/", "usr/bin/", "usr/lib", "usr/sbin/"];

pub fn programs(artifact: &Artifact, seen: &Observations) -> Vec<Sighting> {
    let is_image = artifact.kind == "image";
    let has_rights = |file: &&ObservedFile| {
        let mode = file.mode.unwrap_or_default();
        // Of no file that may not be run, it is another mark: that of mandatory locks.
        let runs = mode & 0o111 != 0;
        let is_ordinary = is_image && is_ordinary(file.path.inner());
        file.is_deployed
            && file.link.is_none()
            && mode & (SETUID | SETGID) != 0
            && runs
            && !is_ordinary
    };
    let programs = seen.files.iter().filter(has_rights);
    programs
        .map(|file| {
            let mode = file.mode.unwrap_or_default();
            let is_owners = mode & SETUID != 0;
            let (whose, severity) = match is_owners {
                true => ("owner", Severity::Medium),
                false => ("group", Severity::Low),
            };
            let name = file.path.file_name();
            let detail = format!("{name} has its {whose}'s (mode {:04o})", mode & 0o7777);
            Sighting {
                severity,
                ..Sighting::of(&rules::SETUID, file.path.clone(), detail)
            }
        })
        .collect()
}

fn is_ordinary(inner: &str) -> bool {
    let name = inner.rsplit('/').next().unwrap_or_default();
    ORDINARY.contains(&name)
        && SYSTEM_FOLDERS
            .iter()
            .any(|folder| inner.starts_with(folder))
}
