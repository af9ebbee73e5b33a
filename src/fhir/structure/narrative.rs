//! The XHTML of a narrative. R4 narrative.html, rules txt-1 and txt-2. Only a fixed set of elements and
//! attributes is let through, so nothing that a browser would run or load unasked: no script, no event
//! attributes, no forms, frames or objects, no style that fetches. Links and images may point outside.
//! The text is not changed; it is taken or refused.

/// Why a narrative is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NarrativeError {
    /// The text is not well-formed XML, or uses processing instructions, CDATA or a document type.
    #[error("the narrative is not well-formed XHTML")]
    Malformed,
    /// The outermost element is not a `div` in the XHTML namespace.
    #[error("the narrative is not one div element in the XHTML namespace")]
    Root,
    /// An element that R4 does not allow.
    #[error("the narrative has an element that is not allowed")]
    Element,
    /// An attribute that R4 does not allow.
    #[error("the narrative has an attribute that is not allowed")]
    Attribute,
    /// A link that runs something, or a style that loads something.
    #[error("the narrative has an unsafe link or style")]
    Unsafe,
    /// Nothing to read. txt-2.
    #[error("the narrative has no content")]
    Empty,
    /// Elements are nested too deep.
    #[error("the narrative is nested too deep")]
    Depth,
}

/// Looks through the text of `Narrative.div`. The elements are those of HTML 4.0 chapters 7 to 11 (without
/// section 9.4) and 15, and `a` and `img`; the attributes are those that txt-1 lists.
pub fn check(text: &str) -> Result<(), NarrativeError> {
    let mut scanner = Scanner { rest: text.trim_matches(is_space), open: Vec::new(), has_content: false };
    scanner.root()?;
    while !scanner.open.is_empty() {
        scanner.content()?;
    }
    if !scanner.rest.is_empty() {
        return Err(NarrativeError::Root);
    }
    if scanner.has_content { Ok(()) } else { Err(NarrativeError::Empty) }
}

struct Scanner<'a> {
    rest: &'a str,
    open: Vec<&'a str>,
    has_content: bool,
}

impl<'a> Scanner<'a> {
    fn root(&mut self) -> Result<(), NarrativeError> {
        let tag = self.rest.strip_prefix('<').ok_or(NarrativeError::Root)?;
        let is_div = tag.strip_prefix("div").is_some_and(|after| after.starts_with([' ', '\t', '\r', '\n', '>', '/']));
        if !is_div {
            return Err(NarrativeError::Root);
        }
        self.rest = tag;
        if self.start_tag()? { Ok(()) } else { Err(NarrativeError::Root) }
    }

    fn content(&mut self) -> Result<(), NarrativeError> {
        let at = self.rest.find('<').ok_or(NarrativeError::Malformed)?;
        let (text, markup) = self.rest.split_at(at);
        // `]]>` is not allowed in character data (XML 1.0 §2.4).
        if !is_character_data(text) || text.contains("]]>") {
            return Err(NarrativeError::Malformed);
        }
        self.has_content |= !text.trim_matches(is_space).is_empty();
        self.rest = markup.get(1..).unwrap_or_default();
        if let Some(comment) = self.rest.strip_prefix("!--") {
            return self.comment(comment);
        }
        if let Some(end) = self.rest.strip_prefix('/') {
            return self.end_tag(end);
        }
        self.start_tag().map(drop)
    }

    /// XML 1.0 §2.5. Conditional comments, which an old browser would run, are refused.
    fn comment(&mut self, text: &'a str) -> Result<(), NarrativeError> {
        let (comment, rest) = text.split_once("--").ok_or(NarrativeError::Malformed)?;
        self.rest = rest.strip_prefix('>').ok_or(NarrativeError::Malformed)?;
        let conditional = comment.starts_with(['[', '>', '-']) || comment.contains("<!") || comment.contains("[endif");
        if conditional || !comment.chars().all(is_xml_char) { Err(NarrativeError::Unsafe) } else { Ok(()) }
    }

    fn end_tag(&mut self, text: &'a str) -> Result<(), NarrativeError> {
        let (name, rest) = text.split_once('>').ok_or(NarrativeError::Malformed)?;
        self.rest = rest;
        if self.open.pop() == Some(name.trim_end_matches(is_space)) { Ok(()) } else { Err(NarrativeError::Malformed) }
    }

    /// Reads a tag behind its `<`. Says whether it declares the XHTML namespace.
    fn start_tag(&mut self) -> Result<bool, NarrativeError> {
        let name = self.name()?;
        if ELEMENTS.binary_search(&name).is_err() {
            return Err(NarrativeError::Element);
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(NarrativeError::Depth);
        }
        self.has_content |= name == "img";
        let mut seen: Vec<&str> = Vec::new();
        loop {
            let spaced = self.skip_space();
            if let Some(rest) = self.rest.strip_prefix("/>") {
                self.rest = rest;
                return Ok(seen.contains(&"xmlns"));
            }
            if let Some(rest) = self.rest.strip_prefix('>') {
                self.rest = rest;
                self.open.push(name);
                return Ok(seen.contains(&"xmlns"));
            }
            let attribute = self.name()?;
            if !spaced || seen.contains(&attribute) {
                return Err(NarrativeError::Malformed);
            }
            seen.push(attribute);
            let value = self.attribute_value()?;
            check_attribute(attribute, value)?;
        }
    }

    fn attribute_value(&mut self) -> Result<&'a str, NarrativeError> {
        self.skip_space();
        self.rest = self.rest.strip_prefix('=').ok_or(NarrativeError::Malformed)?;
        self.skip_space();
        let quote =
            self.rest.chars().next().filter(|letter| matches!(letter, '"' | '\'')).ok_or(NarrativeError::Malformed)?;
        let (value, rest) =
            self.rest.get(1..).and_then(|rest| rest.split_once(quote)).ok_or(NarrativeError::Malformed)?;
        self.rest = rest;
        if is_character_data(value) && !value.contains('<') { Ok(value) } else { Err(NarrativeError::Malformed) }
    }

    /// Names that are allowed have ASCII letters, digits, and in `xml:lang` a colon.
    fn name(&mut self) -> Result<&'a str, NarrativeError> {
        let length = self
            .rest
            .find(|letter: char| !(letter.is_ascii_alphanumeric() || matches!(letter, ':' | '-' | '_' | '.')))
            .ok_or(NarrativeError::Malformed)?;
        let (name, rest) = self.rest.split_at(length);
        self.rest = rest;
        if name.is_empty() { Err(NarrativeError::Malformed) } else { Ok(name) }
    }

    fn skip_space(&mut self) -> bool {
        let before = self.rest.len();
        self.rest = self.rest.trim_start_matches(is_space);
        self.rest.len() < before
    }
}

fn check_attribute(name: &str, value: &str) -> Result<(), NarrativeError> {
    let safe = match name {
        "xmlns" => return if value == XHTML { Ok(()) } else { Err(NarrativeError::Root) },
        "href" | "src" | "cite" | "longdesc" => is_safe_link(value, name == "src"),
        "style" => is_safe_style(value),
        _ if ATTRIBUTES.binary_search(&name).is_ok() => true,
        _ => return Err(NarrativeError::Attribute),
    };
    if safe { Ok(()) } else { Err(NarrativeError::Unsafe) }
}

/// Relative, a fragment, or a scheme that runs nothing; pictures may come with the text (`data:image/…`).
fn is_safe_link(value: &str, is_image: bool) -> bool {
    // What a browser drops from a scheme before it looks at it may not hide one.
    let Some(url) = resolved(value) else { return false };
    let url: String = url.chars().filter(|letter| !letter.is_control() && !letter.is_whitespace()).collect();
    let url = url.to_ascii_lowercase();
    let scheme_end = url.find([':', '/', '?', '#']).filter(|at| url.as_bytes().get(*at) == Some(&b':'));
    let Some(scheme) = scheme_end.and_then(|at| url.get(..at)) else { return true };
    let picture = || ["data:image/png", "data:image/jpeg", "data:image/gif"].iter().any(|start| url.starts_with(start));
    matches!(scheme, "http" | "https" | "mailto" | "tel" | "cid" | "urn") || (is_image && picture())
}

/// No way to run anything or to fetch from elsewhere: no imports and bindings, no escapes or comments that
/// could hide them, and of functions only colours and the pictures that lie beside the text or in it.
fn is_safe_style(value: &str) -> bool {
    let Some(style) = resolved(value) else { return false };
    let style = style.to_ascii_lowercase();
    let bad = ["expression", "import", "javascript", "behavior", "binding", "\\", "/*", "@", "<"];
    let mut functions = style.split('(');
    let mut before = functions.next().unwrap_or_default();
    !bad.iter().any(|word| style.contains(word))
        && functions.all(|inside| {
            let start = before.rfind(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '-'));
            let function = before.get(start.map_or(0, |at| at + 1)..).unwrap_or_default();
            before = inside;
            match function {
                "rgb" | "rgba" | "hsl" | "hsla" | "calc" => true,
                "url" => inside.split_once(')').is_some_and(|(url, _)| is_own_picture(url)),
                _ => false,
            }
        })
}

/// A relative name, or a picture in the text.
fn is_own_picture(url: &str) -> bool {
    let url = url.trim_matches(['\'', '"', ' ']);
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=._-".contains(&byte));
    let data = url.strip_prefix("data:image/").and_then(|data| data.split_once(";base64,"));
    match data {
        Some((kind, data)) => matches!(kind, "png" | "jpeg" | "gif") && plain(data),
        None => plain(url) && !url.contains("//"),
    }
}

/// The text behind the character references of XML. `None` for the other names of HTML: harmless in a
/// text, they could hide a colon here.
fn resolved(value: &str) -> Option<String> {
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some((plain, after)) = rest.split_once('&') {
        out.push_str(plain);
        let (name, tail) = after.split_once(';')?;
        out.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => char_reference(name.strip_prefix('#')?)?,
        });
        rest = tail;
    }
    out.push_str(rest);
    Some(out)
}

/// Whether all references in a text are complete and all characters are those of XML 1.0 §2.2.
fn is_character_data(text: &str) -> bool {
    if !text.chars().all(is_xml_char) {
        return false;
    }
    text.split('&').skip(1).all(|after| {
        let Some((name, _)) = after.split_once(';') else { return false };
        match name.strip_prefix('#') {
            Some(number) => char_reference(number).is_some(),
            None => is_entity_name(name),
        }
    })
}

/// The form of the names of HTML 4.0 section 24, which R4 allows beside those of XML.
fn is_entity_name(name: &str) -> bool {
    (2..=8).contains(&name.len())
        && name.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn char_reference(number: &str) -> Option<char> {
    let (digits, radix) = number.strip_prefix('x').map_or((number, 10), |hex| (hex, 16));
    if digits.is_empty() || digits.len() > 8 || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    char::from_u32(u32::from_str_radix(digits, radix).ok()?).filter(|letter| is_xml_char(*letter))
}

fn is_xml_char(letter: char) -> bool {
    matches!(letter, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

fn is_space(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\r' | '\n')
}

const XHTML: &str = "http://www.w3.org/1999/xhtml";
/// Deeper than any narrative that people write.
const MAX_DEPTH: usize = 200;
/// Sorted.
const ELEMENTS: [&str; 54] = [
    "a",
    "abbr",
    "acronym",
    "address",
    "b",
    "bdo",
    "big",
    "blockquote",
    "br",
    "caption",
    "cite",
    "code",
    "col",
    "colgroup",
    "dd",
    "dfn",
    "div",
    "dl",
    "dt",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "kbd",
    "li",
    "ol",
    "p",
    "pre",
    "q",
    "s",
    "samp",
    "small",
    "span",
    "strike",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "tt",
    "u",
    "ul",
    "var",
];
/// Sorted; those with a link or a style are looked at by themselves.
const ATTRIBUTES: [&str; 46] = [
    "abbr",
    "accesskey",
    "align",
    "alt",
    "axis",
    "bgcolor",
    "border",
    "cellhalign",
    "cellpadding",
    "cellspacing",
    "cellvalign",
    "char",
    "charoff",
    "charset",
    "class",
    "colspan",
    "compact",
    "coords",
    "dir",
    "frame",
    "headers",
    "height",
    "hreflang",
    "hspace",
    "id",
    "lang",
    "name",
    "nowrap",
    "rel",
    "rev",
    "rowspan",
    "rules",
    "scope",
    "shape",
    "span",
    "start",
    "summary",
    "tabindex",
    "title",
    "type",
    "valign",
    "value",
    "vspace",
    "width",
    "xml:lang",
    "xml:space",
];

#[cfg(test)]
mod tests;
