//! `vendor.txt`: the requirements file that lists what was copied into a folder of vendored packages.
//!
//! pip, pipenv and poetry-core write it with <https://github.com/pradyunsg/vendoring>; setuptools and pkg_resources have
//! a `vendored.txt` of the same form, and pipenv a `patched.txt`. What it pins counts where its code lies beside it.

use super::super::pep508;
use super::place::is_vendor_folder;
use super::traces::{MAX_OF_A_FILE, Pin};
use crate::finding::Location;
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};

pub struct VendorTxt;

const FILES: [&str; 3] = ["vendor.txt", "vendored.txt", "patched.txt"];

impl Inspector for VendorTxt {
    fn wants(&self, header: &Header) -> bool {
        FILES.contains(&header.path.file_name()) && is_vendor_folder(header.path.parent())
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        for (line, number) in entry.bytes.split(|b| *b == b'\n').zip(1..) {
            if seen.python.pins.len() >= MAX_OF_A_FILE {
                let message =
                    format!("lists more than {MAX_OF_A_FILE} packages; the others were left out");
                return Err(Unreadable::at(number as usize, message));
            }
            let line = String::from_utf8_lossy(line);
            let requirement = line.split(" #").next().unwrap_or_default().trim();
            // Comments, options and addresses are no pins.
            let Ok(Some(requirement)) = pep508::parse(requirement) else {
                continue;
            };
            if let Some(version) = requirement.version {
                seen.python.pins.push(Pin {
                    name: requirement.name,
                    version,
                    location: Location::at_line(entry.path, number),
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::testing::{inspect, wants};

    #[test]
    fn pins_are_read_and_the_rest_is_left_out() {
        let text = "a==1.0 # about\n\n# b==2.0\n  c[extra]==3.0 ; python_version > '3'\nd>=4\n-r e.txt\nf @ https://f.example/f.zip\n";
        let seen = inspect(&VendorTxt, "pip/_vendor/vendor.txt", text).unwrap();
        let pins: Vec<_> = seen
            .python
            .pins
            .iter()
            .map(|pin| (&*pin.name, &*pin.version, pin.location.line))
            .collect();
        assert_eq!(pins, [("a", "1.0", Some(1)), ("c", "3.0", Some(4))]);
    }

    #[test]
    fn a_list_without_end_is_cut_and_said_to_be() {
        let text = "a==1.0\n".repeat(1_000_000);
        let path = crate::finding::EntryPath::new(&"fn.zip!/".into(), "x/_vendor/vendor.txt");
        let mut seen = Observations::default();
        let entry = Entry {
            path: &path,
            bytes: text.as_bytes(),
        };
        assert!(VendorTxt.inspect(&entry, &mut seen).is_err());
        assert_eq!(seen.python.pins.len(), MAX_OF_A_FILE);
    }

    #[test]
    fn only_lists_in_folders_of_vendored_packages_are_wanted() {
        assert!(wants(&VendorTxt, "setuptools/_vendor/vendored.txt", b""));
        assert!(!wants(&VendorTxt, "app/vendor.txt", b""));
    }
}
