//! Container images: what `docker save` writes and the OCI image layout, as a folder or a tar.
//!
//! Layers are ordinary tars and walked as such, in whatever order they stand. Afterwards the manifest says
//! which lie on top of which, and what was seen in a file that a layer above deletes or replaces is dropped.
//!
//! Specifications: <https://github.com/opencontainers/image-spec/blob/main/image-layout.md> and `layer.md`
//! (whiteouts) beside it; <https://github.com/moby/docker-image-spec/blob/main/spec.md>.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use super::names;
use crate::finding::{EntryPath, folders};
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};

const WHITEOUT: &str = ".wh.";
const OPAQUE: &str = ".wh..wh..opq";
/// Manifests are a few kilobytes; a blob larger than this is not one.
const MAX_MANIFEST: u64 = 4 * 1024 * 1024;

/// Every name in one layer, whiteouts among them.
#[derive(Debug)]
pub struct LayerFiles {
    layer: EntryPath,
    names: Vec<Box<str>>,
    /// Hard links and what they share their content with, which is seen under that name alone.
    links: Vec<(Box<str>, Box<str>)>,
}

impl LayerFiles {
    /// For the tar at `layer`, if it stands where images keep their layers.
    pub fn of(layer: &EntryPath) -> Option<Self> {
        is_layer(layer).then(|| LayerFiles {
            layer: layer.clone(),
            names: Vec::new(),
            links: Vec::new(),
        })
    }

    pub fn add(&mut self, path: &EntryPath) {
        self.names.push(path.inner().into());
    }

    pub fn add_link(&mut self, link: &EntryPath, target: &str) {
        let target = names::clean(target).name;
        self.links.push((link.inner().into(), target.into()));
    }
}

/// Whether it is no file, but says that a file of a layer below is deleted.
pub fn is_whiteout(path: &EntryPath) -> bool {
    path.file_name().starts_with(WHITEOUT)
}

/// Whether a tar at this path can be a layer: `HEX/layer.tar` and `HEX.tar` as older tools save them, or a blob.
pub fn is_layer(path: &EntryPath) -> bool {
    let inner = path.inner();
    inner.starts_with("blobs/")
        || inner.ends_with("/layer.tar")
        || (inner.ends_with(".tar") && !inner.contains('/'))
}

/// A document of an image that names others.
#[derive(Clone, Debug)]
pub struct ImageDocument {
    pub path: EntryPath,
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    /// `manifest.json` of `docker save`: the layers of each image.
    DockerManifest(Vec<DockerImage>),
    /// `index.json` or a nested index: manifests by digest.
    Index(Vec<Descriptor>),
    /// One image's manifest: layers by digest.
    Manifest(Vec<Descriptor>),
}

#[derive(Clone, Debug, Deserialize)]
struct DockerImage {
    #[serde(rename = "Layers", default)]
    layers: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct Descriptor {
    #[serde(default)]
    digest: String,
}

#[derive(Deserialize)]
struct OciDocument {
    manifests: Option<Vec<Descriptor>>,
    layers: Option<Vec<Descriptor>>,
}

/// Reads the documents that tell an image's layers.
pub struct ImageDocuments;

impl Inspector for ImageDocuments {
    fn wants(&self, header: &Header) -> bool {
        let inner = header.path.inner();
        let blob = inner.starts_with("blobs/") && header.first_bytes.starts_with(b"{");
        (blob || inner == "manifest.json" || inner == "index.json") && header.size <= MAX_MANIFEST
    }

    /// Other software has files of these names too: what does not read as an image's is left alone.
    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let content = if entry.path.inner() == "manifest.json" {
            match serde_json::from_slice::<Vec<DockerImage>>(entry.bytes) {
                Ok(images) if images.iter().any(|i| !i.layers.is_empty()) => {
                    Some(Content::DockerManifest(images))
                }
                _ => None,
            }
        } else {
            match serde_json::from_slice::<OciDocument>(entry.bytes) {
                Ok(OciDocument {
                    manifests: Some(manifests),
                    ..
                }) => Some(Content::Index(manifests)),
                Ok(OciDocument {
                    layers: Some(layers),
                    ..
                }) => Some(Content::Manifest(layers)),
                _ => None,
            }
        };
        seen.images.extend(content.map(|content| ImageDocument {
            path: entry.path.clone(),
            content,
        }));
        Ok(())
    }
}

/// Which layer files of an artifact a running container would see.
#[derive(Debug, Default)]
pub struct Visibility {
    /// By the prefix of a layer: the names hidden in it. A layer of no image hides nothing.
    hidden: HashMap<String, HashSet<Box<str>>>,
    pub is_image: bool,
}

impl Visibility {
    /// `prefix` is the artifact's own: images within archives are not laid over one another.
    pub fn of(prefix: &str, documents: &[ImageDocument], layers: &[LayerFiles]) -> Self {
        let by_name: HashMap<&str, &LayerFiles> = layers
            .iter()
            .filter(|l| &**l.layer.container() == prefix)
            .map(|l| (l.layer.inner(), l))
            .collect();
        let documents: HashMap<&str, &Content> = documents
            .iter()
            .filter(|d| &**d.path.container() == prefix)
            .map(|d| (d.path.inner(), &d.content))
            .collect();
        let images = images(&documents);
        // A layer that several images share shows what any of them shows.
        let mut hidden: HashMap<String, HashSet<Box<str>>> = HashMap::new();
        for image in &images {
            let stack: Vec<&LayerFiles> = image
                .iter()
                .filter_map(|name| by_name.get(name.as_str()).copied())
                .collect();
            for (layer, names) in hidden_in(&stack) {
                let key = format!("{}!/", layer.layer);
                match hidden.get_mut(&key) {
                    Some(known) => known.retain(|name| names.contains(name)),
                    None => {
                        hidden.insert(key, names);
                    }
                }
            }
        }
        Visibility {
            hidden,
            is_image: !images.is_empty(),
        }
    }

    pub fn shows(&self, path: &EntryPath) -> bool {
        if self.hidden.is_empty() {
            return true;
        }
        let whole = path.to_string();
        // The layer is the second archive of the chain, and the file in it the third part.
        let mut ends = whole
            .match_indices("!/")
            .map(|(at, separator)| at + separator.len());
        let first = ends.by_ref().take(2).collect::<Vec<_>>();
        let candidates = first.into_iter().filter_map(|end| {
            let rest = &whole[end..];
            let file = rest.split_once("!/").map_or(rest, |(file, _)| file);
            self.hidden
                .get(&whole[..end])
                .map(|names| names.contains(file))
        });
        !candidates.into_iter().any(|hidden| hidden)
    }
}

/// The names of each image's layers, lowest first.
fn images(documents: &HashMap<&str, &Content>) -> Vec<Vec<String>> {
    if let Some(Content::DockerManifest(images)) = documents.get("manifest.json") {
        return images.iter().map(|image| image.layers.clone()).collect();
    }
    let mut images = Vec::new();
    let mut queue = vec!["index.json".to_owned()];
    let mut done = HashSet::new();
    while let Some(name) = queue.pop() {
        if !done.insert(name.clone()) {
            continue;
        }
        let blobs = |descriptors: &[Descriptor]| -> Vec<String> {
            descriptors
                .iter()
                .map(|d| format!("blobs/{}", d.digest.replacen(':', "/", 1)))
                .collect()
        };
        match documents.get(name.as_str()) {
            Some(Content::Index(manifests)) => queue.extend(blobs(manifests)),
            Some(Content::Manifest(layers)) => images.push(blobs(layers)),
            _ => {}
        }
    }
    images
}

/// For each layer of a stack, lowest first: the names that the layers above it hide.
fn hidden_in<'a>(stack: &[&'a LayerFiles]) -> Vec<(&'a LayerFiles, HashSet<Box<str>>)> {
    let mut above = Above::default();
    let mut out = Vec::new();
    for &layer in stack.iter().rev() {
        let mut hidden: HashSet<Box<str>> = layer
            .names
            .iter()
            .filter(|name| above.hides(name))
            .cloned()
            .collect();
        // Content is still there while one of its names is.
        for (link, target) in &layer.links {
            if !above.hides(link) {
                hidden.remove(target);
            }
        }
        out.push((layer, hidden));
        for name in &layer.names {
            above.add(name);
        }
    }
    out
}

/// What the layers above the one at hand hold.
#[derive(Default)]
struct Above<'a> {
    replaced: HashSet<&'a str>,
    /// Folders that files lie in; a file of that name below is gone.
    folders: HashSet<&'a str>,
    deleted: HashSet<String>,
    /// An opaque whiteout at the root hides all that lies below.
    everything: bool,
}

impl<'a> Above<'a> {
    fn add(&mut self, name: &'a str) {
        let (parent, file) = name.rsplit_once('/').unwrap_or(("", name));
        if file == OPAQUE {
            self.everything |= parent.is_empty();
            self.deleted.insert(parent.to_owned());
        } else if let Some(deleted) = file.strip_prefix(WHITEOUT) {
            let separator = if parent.is_empty() { "" } else { "/" };
            self.deleted.insert(format!("{parent}{separator}{deleted}"));
        } else {
            self.replaced.insert(name);
        }
        self.folders.extend(folders(name));
    }

    /// A name is hidden by itself or by any folder above it: a file in place of a folder hides all in it.
    fn hides(&self, name: &str) -> bool {
        self.everything
            || self.folders.contains(name)
            || folders(name)
                .chain([name])
                .any(|path| self.deleted.contains(path) || self.replaced.contains(path))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::inventory::testing;

    fn layer(name: &str, names: &[&str]) -> LayerFiles {
        LayerFiles {
            layer: EntryPath::new(&Arc::from("i.tar!/"), name),
            names: names.iter().map(|&n| n.into()).collect(),
            links: Vec::new(),
        }
    }

    fn documents(files: &[(&str, &str)]) -> Vec<ImageDocument> {
        let read = files.iter().flat_map(|(path, text)| {
            let seen = testing::inspect(&ImageDocuments, path, text).unwrap();
            seen.images.into_iter().map(|document| ImageDocument {
                path: EntryPath::new(&Arc::from("i.tar!/"), path),
                ..document
            })
        });
        read.collect()
    }

    fn shows(visibility: &Visibility, layer: &str, file: &str) -> bool {
        visibility.shows(&EntryPath::new(&format!("i.tar!/{layer}!/").into(), file))
    }

    #[test]
    fn layers_above_hide_what_they_delete_and_replace() {
        let layers = [
            layer(
                "a.tar",
                &["etc/x", "app/one", "app/two", "opt/deep/y", "lib/z", "srv"],
            ),
            layer(
                "b.tar",
                &[
                    "app/.wh.one",
                    "opt/.wh..wh..opq",
                    "opt/new",
                    ".wh.lib",
                    "etc/x",
                    "srv/now-a-folder",
                ],
            ),
        ];
        let docs = documents(&[(
            "manifest.json",
            r#"[{"Config":"c","Layers":["a.tar","b.tar"]}]"#,
        )]);
        let visibility = Visibility::of("i.tar!/", &docs, &layers);
        assert!(visibility.is_image);
        for (file, visible) in [
            ("etc/x", false),
            ("app/one", false),
            ("app/two", true),
            ("opt/deep/y", false),
            ("lib/z", false),
            ("srv", false),
        ] {
            assert_eq!(shows(&visibility, "a.tar", file), visible, "{file}");
        }
        assert!(shows(&visibility, "b.tar", "etc/x"));
        assert!(shows(&visibility, "b.tar", "opt/new"));
        let in_jar = EntryPath::new(&"i.tar!/a.tar!/app/one!/".into(), "META-INF/x");
        assert!(
            !visibility.shows(&in_jar),
            "and what is in a deleted archive"
        );
    }

    #[test]
    fn an_oci_layout_is_followed_from_its_index_and_cycles_end() {
        let docs = documents(&[
            (
                "index.json",
                r#"{"manifests":[{"digest":"sha256:idx"},{"digest":"sha256:none"}]}"#,
            ),
            (
                "blobs/sha256/idx",
                r#"{"manifests":[{"digest":"sha256:idx"},{"digest":"sha256:man"}]}"#,
            ),
            (
                "blobs/sha256/man",
                r#"{"layers":[{"digest":"sha256:low"},{"digest":"sha256:top"}]}"#,
            ),
        ]);
        let layers = [
            layer("blobs/sha256/top", &[".wh.gone"]),
            layer("blobs/sha256/low", &["gone", "kept"]),
        ];
        let visibility = Visibility::of("i.tar!/", &docs, &layers);
        assert!(!shows(&visibility, "blobs/sha256/low", "gone"));
        assert!(shows(&visibility, "blobs/sha256/low", "kept"));
    }

    #[test]
    fn a_layer_of_two_images_shows_what_either_shows() {
        let layers = [
            layer("base.tar", &["kept", "gone"]),
            layer("one.tar", &[".wh.gone", ".wh.kept"]),
            layer("two.tar", &[".wh.gone"]),
        ];
        let manifest = r#"[{"Layers":["base.tar","one.tar"]},{"Layers":["base.tar","two.tar"]}]"#;
        let visibility = Visibility::of(
            "i.tar!/",
            &documents(&[("manifest.json", manifest)]),
            &layers,
        );
        assert!(shows(&visibility, "base.tar", "kept"));
        assert!(!shows(&visibility, "base.tar", "gone"));
    }

    #[test]
    fn content_stays_while_a_hard_link_to_it_does() {
        let mut base = layer("base.tar", &["cache/METADATA", "site/METADATA"]);
        base.links = vec![("site/METADATA".into(), "cache/METADATA".into())];
        let docs = documents(&[("manifest.json", r#"[{"Layers":["base.tar","top.tar"]}]"#)]);
        let shown = |top: &[&str]| {
            let mut lower = layer("base.tar", &["cache/METADATA", "site/METADATA"]);
            lower.links.clone_from(&base.links);
            let visibility = Visibility::of("i.tar!/", &docs, &[lower, layer("top.tar", top)]);
            shows(&visibility, "base.tar", "cache/METADATA")
        };
        assert!(shown(&[".wh.cache"]));
        assert!(!shown(&[".wh.cache", ".wh.site"]));
    }

    #[test]
    fn a_manifest_of_another_kind_makes_no_image() {
        let docs = documents(&[
            ("manifest.json", r#"{"name":"web app"}"#),
            ("index.json", "not json"),
        ]);
        assert!(!Visibility::of("i.tar!/", &docs, &[]).is_image);
    }
}
