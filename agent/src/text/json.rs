//! JSON objects, as lines.

use serde::Serialize;

/// One object as a line.
pub(crate) fn json_line(object: &impl Serialize) -> Vec<u8> {
    let mut line = Vec::new();
    append(&mut line, object);
    line.push(b'\n');
    line
}

/// One object, indented for people.
pub(crate) fn json_document(object: &impl Serialize) -> Vec<u8> {
    let mut text = Vec::new();
    let written = serde_json::to_writer_pretty(&mut text, object);
    debug_assert!(written.is_ok(), "{written:?}");
    text.push(b'\n');
    text
}

/// Goes on with the object that was written last: `}` of the first and `{` of the second become the comma between them.
pub(crate) fn join(line: &mut Vec<u8>, part: &impl Serialize) {
    line.pop();
    let seam = line.len();
    append(line, part);
    if let Some(brace) = line.get_mut(seam) {
        *brace = b',';
    }
}

/// Writing to memory fails only for maps with keys that are no text, which there are none of.
pub(crate) fn append(bytes: &mut Vec<u8>, line: &impl Serialize) {
    let written = serde_json::to_writer(bytes, line);
    debug_assert!(written.is_ok(), "{written:?}");
}
