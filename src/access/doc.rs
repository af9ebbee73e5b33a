//! The policy as a page for people, `docs/access.md`, and the table in it.

use std::fmt::Write as _;

use super::{Extent, Need, Operation, Role};

/// The whole of `docs/access.md`. A test holds the file to it.
pub fn page() -> String {
    let mut out = String::from(INTRODUCTION);
    out.push_str(&matrix());
    out.push_str(NOTES);
    out
}

/// The table of operations and roles, in Markdown.
pub fn matrix() -> String {
    let mut out = String::from("| operation | what | ");
    for role in Role::ALL {
        let _ = write!(out, "{role} | ");
    }
    out.push_str("gateway | scope |\n| --- | --- |");
    out.push_str(&" --- |".repeat(Role::ALL.len() + 2));
    out.push('\n');
    for operation in Operation::ALL {
        let _ = write!(out, "| `{operation}` | {} | ", operation.summary());
        for role in Role::ALL {
            let _ = write!(out, "{} | ", cell(*operation, operation.granted_to(role)));
        }
        let _ = writeln!(out, "{} | {} |", cell(*operation, operation.granted_to_gateway()), need(*operation));
    }
    out
}

fn cell(operation: Operation, extent: Option<Extent>) -> &'static str {
    match extent {
        _ if operation.is_public() => "open",
        Some(Extent::All) => "yes",
        Some(Extent::Own) => "own",
        None => "-",
    }
}

fn need(operation: Operation) -> String {
    match operation.need() {
        Need::Public => "none".to_owned(),
        Need::WholeToken => "not with scopes".to_owned(),
        Need::Parts => "those of the parts".to_owned(),
        Need::Scope(resource_type, permission) => format!("`{resource_type}.{}`", permission.letter()),
        Need::ScopeOfNamedType(permission) => format!("`{{type}}.{}`", permission.letter()),
    }
}

const INTRODUCTION: &str = "\
# Who may do what

This page is written from the table in `src/access/operation.rs`; `UPDATE_DOCS=1 cargo test access` writes
it anew.

Every request acts for one tenant, as one principal (a user, a client, or the gateway itself at work on a
job), with roles. Nothing is allowed that the table does not allow. `yes` reaches all of the tenant, `own`
only what the principal began (what others began looks absent), `open` needs no token.

";

const NOTES: &str = "
## Why it is so

- An **admin** runs the gateway and sees no patient data: no report, no FHIR resource, no file of an export.
  Someone who must do both is given both roles, and the audit log names both.
- Only a **radiologist** answers for a report: nobody else, not the gateway either, verifies, amends or
  withdraws one. An **integrator** brings in what was verified elsewhere (`report.create` and
  `report.import`), with the name of who verified it there.
- An **auditor** reads the audit log and checks its chain. Reading it is itself logged.
- The **gateway** column is what its own jobs may do. The command line on the server's own machine acts as
  the gateway with the role that its command needs.

## Scopes

A token without a `scope` claim may do what its roles allow. A `scope` claim narrows it: the operation must
then be covered by a scope of the last column, `user/` in a user's token and `system/` in a client's own,
in the spelling of SMART App Launch 2 (`user/DiagnosticReport.rs`) or the older one (`.read`, `.write`,
`.*`). A token that is made with `system/` scopes is the client's own, and the client an integrator besides
its other roles; scopes of both kinds in one token are refused. A scope never widens what roles allow. Scopes that are not understood, that have a search part
(`?category=…`) or that speak of one patient (`patient/`) grant nothing. The wildcard `*` leaves out
AuditEvent, Endpoint, MeasureReport and Subscription. Tokens are issued and revoked, and exports cleaned
up, only by a token that is not narrowed.
";

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_page_in_docs_is_the_one_of_the_code() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/access.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::create_dir_all(path.parent().expect("has a parent")).expect("created");
            std::fs::write(&path, page()).expect("written");
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(written == page(), "docs/access.md differs from the code; UPDATE_DOCS=1 cargo test access");
    }
}
