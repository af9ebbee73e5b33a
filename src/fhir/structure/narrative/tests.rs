use proptest::prelude::*;

use super::*;

fn inside(content: &str) -> Result<(), NarrativeError> {
    check(&format!("<div xmlns=\"{XHTML}\">{content}</div>"))
}

#[test]
fn the_lists_are_sorted() {
    assert!(ELEMENTS.is_sorted() && ATTRIBUTES.is_sorted());
}

#[test]
fn what_people_write_is_let_through() {
    for good in [
        "a",
        "<p>a<br/>b &amp; &nbsp;&#233;&#xe9;</p>",
        "<table class='grid' border=\"1\">\n<tbody><tr><td colspan='2'>x</td></tr></tbody></table>",
        "<img src=\"#pic\" alt=\"\"/>",
        "<img src='data:image/png;base64,AAAA'/>",
        "<img src='https://example.org/a.png?b=c:d'/>",
        "<a href='Patient/1'>x</a><a name=\"here\">y</a><a href='http://x/?a=1&amp;b=2'>z</a>",
        "<a href='mailto:a@b.c'>x</a>",
        "<span style='color: red; font-weight: bold'>x</span>",
        "<td style='background: rgb(1, 2, 3) url(line.png); background-image: url(data:image/png;base64,AA==)'>x</td>",
        "<!-- a comment -->x",
        "a > b",
        "<div xmlns='http://www.w3.org/1999/xhtml' xml:lang='de' lang='de'>x</div >",
    ] {
        assert_eq!(inside(good), Ok(()), "{good}");
    }
    assert_eq!(check("  <div xmlns='http://www.w3.org/1999/xhtml'>x</div>\n"), Ok(()));
}

#[test]
fn what_runs_or_loads_is_refused() {
    use NarrativeError::{Attribute, Element, Malformed, Unsafe};
    for (bad, error) in [
        ("<script>x</script>", Element),
        ("<SCRIPT>x</SCRIPT>", Element),
        ("<iframe src='http://x'/>", Element),
        ("<object/>", Element),
        ("<form/>", Element),
        ("<input/>", Element),
        ("<style>x</style>", Element),
        ("<svg/>", Element),
        ("<link href='x'/>", Element),
        ("<x:script/>", Element),
        ("<p onclick='x'>x</p>", Attribute),
        ("<p ONCLICK='x'>x</p>", Attribute),
        ("<img src='x' onerror='y'/>", Attribute),
        ("<p xmlns:x='y'>x</p>", Attribute),
        ("<p action='y'>x</p>", Attribute),
        ("<a href='javascript:x'>x</a>", Unsafe),
        ("<a href=' JavaScript:x'>x</a>", Unsafe),
        ("<a href='java&#10;script:x'>x</a>", Unsafe),
        ("<a href='java&#x73;cript:x'>x</a>", Unsafe),
        ("<a href='javascript&colon;x'>x</a>", Unsafe),
        ("<a href='data:text/html,x'>x</a>", Unsafe),
        ("<img src='data:image/svg+xml,x'/>", Unsafe),
        ("<a href='vbscript:x'>x</a>", Unsafe),
        ("<q cite='javascript:x'>x</q>", Unsafe),
        ("<p style='background: url(http://x)'>x</p>", Unsafe),
        ("<p style='background: url(line.png) url(//x/y)'>x</p>", Unsafe),
        ("<p style='background: url(&quot;data:image/svg+xml;base64,AA&quot;)'>x</p>", Unsafe),
        ("<p style='background: image-set(&quot;x&quot;)'>x</p>", Unsafe),
        ("<p style='width: expression(x)'>x</p>", Unsafe),
        ("<p style='back\\67round: u/**/rl(x)'>x</p>", Unsafe),
        ("<p style='&#117;rl(//x)'>x</p>", Unsafe),
        ("<!--[if IE]>x<![endif]-->x", Unsafe),
        ("<![CDATA[x]]>", Malformed),
        ("<?php x?>", Malformed),
        ("<p>x", Malformed),
        ("<p>x</b></p>", Malformed),
        ("<p class=x>x</p>", Malformed),
        ("<p class>x</p>", Malformed),
        ("<p class='a' class='b'>x</p>", Malformed),
        ("<p class='a'id='b'>x</p>", Malformed),
        ("<p class='<'>x</p>", Malformed),
        ("a & b", Malformed),
        ("&#0;", Malformed),
        ("&#xd800;", Malformed),
        ("<!-- a -- b -->", Malformed),
        ("a < b", Malformed),
        ("\u{b}", Malformed),
    ] {
        assert_eq!(inside(bad), Err(error), "{bad}");
    }
}

#[test]
fn it_is_one_div_with_content() {
    use NarrativeError::{Depth, Empty, Malformed, Root};
    for (bad, error) in [
        ("", Root),
        ("text", Root),
        ("<p xmlns='http://www.w3.org/1999/xhtml'>x</p>", Root),
        ("<div>x</div>", Root),
        ("<div xmlns='http://www.w3.org/2000/svg'>x</div>", Root),
        ("<divx xmlns='http://www.w3.org/1999/xhtml'>x</divx>", Root),
        ("<div xmlns='http://www.w3.org/1999/xhtml'>x</div><div/>", Root),
        ("<div xmlns='http://www.w3.org/1999/xhtml'>x</div>y", Root),
        ("<!DOCTYPE html><div xmlns='http://www.w3.org/1999/xhtml'>x</div>", Root),
        ("<div xmlns='http://www.w3.org/1999/xhtml'/>", Empty),
        ("<div xmlns='http://www.w3.org/1999/xhtml'> <p> </p> <!--x--></div>", Empty),
        ("<div xmlns='http://www.w3.org/1999/xhtml'>x", Malformed),
    ] {
        assert_eq!(check(bad), Err(error), "{bad}");
    }
    let deep = format!("{}x{}", "<b>".repeat(300), "</b>".repeat(300));
    assert_eq!(inside(&deep), Err(Depth));
}

proptest! {
    #[test]
    fn any_text_is_judged(content in "(<|</|>|/>|p|a|div|=|'|\"|&|;|#|x|!--|--| |href|style|:|ä){0,30}|\\PC*") {
        let _either = inside(&content);
        let _either = check(&content);
    }
}
