//! Walks XML element by element, as much of it as manifests need: names, attributes and text. Entities are not
//! expanded.

use quick_xml::Reader;
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesStart, Event};

use crate::inspect::{Entry, Unreadable};

/// Deeper elements are passed over; none that states a package lies that deep.
const MAX_DEPTH: usize = 16;

/// An element that was read to its end.
pub struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    /// The text that stands in it directly.
    pub text: String,
    /// Where it starts, counted from 1.
    pub line: u32,
}

impl Element {
    /// The value of an attribute, unless it is empty.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let mut attributes = self.attributes.iter();
        let (_, value) = attributes.find(|(attribute, _)| attribute == name)?;
        (!value.is_empty()).then_some(value)
    }

    fn new(tag: &BytesStart, line: u32) -> Self {
        let mut attributes = tag.attributes();
        let attributes = attributes.with_checks(false).filter_map(Result::ok);
        let text_of = |a: Attribute| {
            (
                a.key.local_name().as_ref().to_owned(),
                a.value.trim().to_owned(),
            )
        };
        Element {
            name: tag.local_name().as_ref().to_owned(),
            attributes: attributes.map(text_of).collect(),
            text: String::new(),
            line,
        }
    }
}

/// Calls `see` with each element once it is complete, and with the names of those that it lies in and its own.
pub fn each_element(
    entry: &Entry,
    mut see: impl FnMut(&[&str], &Element),
) -> Result<(), Unreadable> {
    let text = entry.text()?;
    let mut lines = Lines {
        text,
        at: 0,
        line: 1,
    };
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    let mut depth = 0_usize;
    loop {
        let line = lines.line_at(reader.buffer_position());
        let event = reader.read_event().map_err(|error| {
            let line = lines.line_at(reader.error_position());
            let message = error.to_string();
            let message = message.lines().next().unwrap_or_default();
            Unreadable::at(line as usize, format!("is not valid XML: {message}"))
        })?;
        match event {
            Event::Start(tag) => {
                depth += 1;
                if depth <= MAX_DEPTH {
                    open.push(Element::new(&tag, line));
                }
            }
            Event::Empty(tag) if depth < MAX_DEPTH => {
                open.push(Element::new(&tag, line));
                close(&mut open, &mut see);
            }
            Event::End(_) => {
                if depth <= MAX_DEPTH {
                    close(&mut open, &mut see);
                }
                depth = depth.saturating_sub(1);
            }
            Event::Text(text) if depth <= MAX_DEPTH => add(&mut open, &text),
            Event::CData(text) if depth <= MAX_DEPTH => add(&mut open, &text),
            Event::Eof if depth > 0 => {
                return Err(Unreadable::at(
                    line as usize,
                    "is not valid XML: it ends in the middle",
                ));
            }
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

fn close(open: &mut Vec<Element>, see: &mut impl FnMut(&[&str], &Element)) {
    let names: Vec<&str> = open.iter().map(|element| element.name.as_str()).collect();
    if let Some(element) = open.last() {
        see(&names, element);
    }
    open.pop();
}

fn add(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

/// Counts lines on the way through a text.
struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: u32,
}

impl Lines<'_> {
    fn line_at(&mut self, position: u64) -> u32 {
        let position = usize::try_from(position).unwrap_or(usize::MAX);
        let between = self
            .text
            .as_bytes()
            .get(self.at..position)
            .unwrap_or_default();
        let passed = between.iter().filter(|&&byte| byte == b'\n').count();
        self.line = self
            .line
            .saturating_add(u32::try_from(passed).unwrap_or(u32::MAX));
        self.at = self.at.max(position.min(self.text.len()));
        self.line
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::finding::EntryPath;

    fn walk(text: &str) -> Result<Vec<String>, Unreadable> {
        let path = EntryPath::new(&Arc::from("fn.zip!/"), "file.xml");
        let bytes = text.as_bytes();
        let mut seen = Vec::new();
        each_element(&Entry { path: &path, bytes }, |names, element| {
            let id = element.attribute("id").unwrap_or("-");
            let text = element.text.trim();
            seen.push(format!("{}:{} {id} {text}", names.join("/"), element.line));
        })?;
        Ok(seen)
    }

    #[test]
    fn elements_are_seen_from_the_inside_out() {
        let text = "\u{feff}<?xml version='1.0'?>\n<!-- <a/> -->\n<x:r xmlns:x='urn:x'>\n\
            <a id='1'/>\n<x:a id=\"2\">t<b>u</b><![CDATA[<v>]]></x:a></x:r>\n";
        assert_eq!(
            walk(text).unwrap(),
            ["r/a:4 1 ", "r/a/b:5 - u", "r/a:5 2 t<v>", "r:3 - "]
        );
    }

    #[test]
    fn what_is_not_xml_is_said_so() {
        for (text, line) in [("<a>\n<b></a>", 2), ("<a>\n", 2), ("<a>\n<b", 2)] {
            let error = walk(text).unwrap_err();
            assert_eq!(error.line, Some(line), "{text}");
            assert!(error.message.starts_with("is not valid XML: "), "{error:?}");
        }
    }

    #[test]
    fn entities_and_depth_do_no_harm() {
        let bomb = "<!DOCTYPE a [<!ENTITY b \"bbbb\"><!ENTITY c \"&b;&b;\">]><a id='&c;'>&c;</a>";
        assert_eq!(walk(bomb).unwrap(), ["a:1 &c; "]);
        let deep = 100_000;
        let text = format!("{}{}", "<a>".repeat(deep), "</a>".repeat(deep));
        assert_eq!(walk(&text).unwrap().len(), MAX_DEPTH);
        let many = format!("<a {}/>", "id='1' ".repeat(100_000));
        assert_eq!(walk(&many).unwrap(), ["a:1 1 "]);
    }
}
