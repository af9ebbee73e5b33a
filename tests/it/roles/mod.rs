//! Who may do what, asked from outside: every route with every role, with nothing, with too little; and
//! what looks the same whether it is not there or not theirs to see.

mod matrix;
mod strangers;

use causeway::http::{route_matrix, routes};

/// `UPDATE_DOCS=1 cargo test --test it roles` writes the page anew.
#[test]
fn docs_routes_md_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/routes.md");
    let page = format!("{INTRODUCTION}{}", route_matrix(&routes()));
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, page).expect("docs can be written");
        return;
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(written == page, "docs/routes.md is stale: run UPDATE_DOCS=1 cargo test --test it roles");
}

#[test]
fn a_route_stands_in_the_table_once() {
    let mut seen = std::collections::BTreeSet::new();
    for route in routes() {
        assert!(seen.insert((route.method.to_string(), route.path)), "{} {} is there twice", route.method, route.path);
    }
}

const INTRODUCTION: &str = "\
# Routes

This page is written from the table of routes in the code; `UPDATE_DOCS=1 cargo test --test it roles` writes
it anew, and a test asks every route with a token of every role whether it is true.

Where GET is, HEAD is too; OPTIONS says which methods a path has. The routes of a tenant other than the
default one lie below `/t/{tenant}`; `/health` and `/metrics` are the server's own and exist at the root
only. `yes` reaches all of the tenant, `own` only what the caller began (what others began looks absent),
`-` is 403, `open` needs no token. Without a token every other route answers 401. What each operation is, and
which scope a narrowed token must have for it: [access.md](access.md).

";
