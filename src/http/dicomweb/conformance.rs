//! The section of the conformance statement that speaks of the web services. PS3.2 §N.5, PS3.18 §10.

use crate::config::{Dicomweb, EmptySearch};
use crate::dicom::conformance::Section;

use super::capabilities::RESOURCES;
use super::wado_uri;

/// What is offered below `/dicom-web` and at `/wado`, with the limits of this server.
pub fn section(settings: &Dicomweb) -> Section {
    Section::new("DICOM web services")
        .text(
            "The services are an origin server below /dicom-web (and /dicomweb), and WADO-URI at /wado; towards peers, \
             a user agent of STOW-RS, QIDO-RS and WADO-RS. An Accept that takes nothing of what there is gets 406; \
             the parameter accept outweighs the header field. Implicit VR Little Endian and Explicit VR Big Endian \
             are not sent. Transfer syntaxes are asked for by the parameter transfer-syntax; a star is the one that is kept.",
        )
        .section(transactions(settings))
        .section(
            Section::new("Search")
                .text(
                    "includefield takes keywords, tags and paths of them, and the word all. Names that do not exist, that \
                     nothing is found by, or that stand twice are refused with 400.",
                )
                .table(PARAMETERS, &["parameter", "meaning"], texts(SEARCH)),
        )
        .section(Section::new("Rendering").table(PARAMETERS_RENDERED, &["parameter", "meaning"], texts(RENDERED)))
        .section(
            Section::new("WADO-URI")
                .text("A parameter that is not supported is refused with 400 unless it is empty or no.")
                .table(
                    PARAMETERS_URI,
                    &["parameter", "supported"],
                    wado_uri::NAMES.iter().map(|name| {
                        let is_supported = !wado_uri::UNSUPPORTED.contains(name);
                        [(*name).to_owned(), if is_supported { "yes" } else { "no" }.to_owned()]
                    }),
                ),
        )
        .section(Section::new("Status codes").table(STATUSES, &["status", "meaning"], texts(CODES)))
        .section(limits(settings))
}

fn transactions(settings: &Dicomweb) -> Section {
    let offered = RESOURCES.iter().flat_map(|resource| resource.methods.iter().map(move |method| (resource, method)));
    let offered = offered.filter(|(_, method)| settings.delete || method.method != "DELETE");
    let rows = offered.map(|(resource, method)| {
        [
            format!("{} /{}", method.method, resource.path),
            method.id.to_owned(),
            method.takes.join(", "),
            method.gives.join(", "),
        ]
    });
    Section::new("Transactions")
        .text(
            "OPTIONS of the base answers with the same as WADL or JSON. Of frames, any media type of PS3.18 Table 8.7.3-3 \
             is answered that the kept transfer syntax is of, or that it can be converted to.",
        )
        .table(TRANSACTIONS, &["method and path", "transaction", "takes", "answers"], rows)
}

fn limits(settings: &Dicomweb) -> Section {
    let empty = match settings.empty_search {
        EmptySearch::List => "200 and an empty list",
        EmptySearch::NoContent => "204",
    };
    let rows = [
        ["bytes of one store request".to_owned(), settings.max_request_bytes.0.to_string()],
        ["parts of one store request".to_owned(), settings.max_parts.to_string()],
        [
            "bytes of one store request as metadata and bulk data".to_owned(),
            settings.max_metadata_request_bytes.0.to_string(),
        ],
        ["results of one search".to_owned(), settings.max_results.to_string()],
        ["a search that finds nothing".to_owned(), empty.to_owned()],
        ["DELETE".to_owned(), if settings.delete { "offered" } else { "not offered" }.to_owned()],
    ];
    Section::new("Limits").table(LIMITS, &["what", "value"], rows)
}

fn texts(rows: &'static [[&'static str; 2]]) -> impl Iterator<Item = [String; 2]> {
    rows.iter().map(|row| row.map(str::to_owned))
}

const SEARCH: &[[&str; 2]] = &[
    ["{attribute}", "a matching key, by keyword, by tag, or by a path of them"],
    ["includefield", "attributes that are answered as well"],
    ["limit, offset", "a page of the results; Warning 299 says how many there are beyond it"],
    ["fuzzymatching", "names match by the beginnings of their words"],
    ["emptyvaluematching", "\"\" finds what has no value"],
    ["multiplevaluematching", "\"a\"\\\"b\" finds any of several values"],
    ["accept", "as the header field"],
];
const RENDERED: &[[&str; 2]] = &[
    ["window", "centre, width and linear, linear-exact or sigmoid"],
    ["viewport", "width and height, with a region of the source"],
    ["quality", "1 to 100, of JPEG"],
    ["annotation", "answered with a Warning: nothing is written into the picture"],
    ["iccprofile", "as PS3.18 §8.3.5.1.5"],
];
const CODES: &[[&str; 2]] = &[
    ["200", "all is done; of a store, without a warning"],
    ["202", "some instances are stored, and others are not or with a warning"],
    ["204", "deleted"],
    ["206", "part of what was asked for: a range of bytes, or without instances that cannot be had in that form"],
    ["304", "not modified since the ETag that the client has"],
    ["400", "the request is not well formed"],
    ["401, 403", "there is no token, or it does not reach so far"],
    ["404", "not there, or not for this caller"],
    ["406", "nothing that there is can be had in a form that is accepted"],
    ["409", "no instance of the request is stored"],
    ["413", "the request is too long"],
    ["415", "the media type of the request is not taken"],
    ["416", "the range lies outside"],
    ["429", "too many requests; Retry-After says when"],
    ["503", "too busy; Retry-After says when"],
];

const TRANSACTIONS: &str = "Transactions";
const PARAMETERS: &str = "Parameters of a search";
const PARAMETERS_RENDERED: &str = "Parameters of a rendering";
const PARAMETERS_URI: &str = "Parameters of WADO-URI";
const STATUSES: &str = "Status codes";
const LIMITS: &str = "Limits of the web services";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::dicom::conformance::Statement;

    fn statement(settings: &Dicomweb) -> Statement {
        Statement { title: String::new(), version: String::new(), sections: vec![section(settings)] }
    }

    #[test]
    fn each_route_is_a_transaction_and_no_other() {
        let routes = super::super::routes();
        let own = routes.iter().filter_map(|route| {
            let path = route.path.strip_prefix("/dicom-web/").filter(|path| !path.is_empty())?;
            Some(format!("{} /{}", route.method, path.replace("{way:.*}", "{path}")))
        });
        let own: BTreeSet<String> = own.collect();
        let statement = statement(&Dicomweb::default());
        let listed: BTreeSet<String> = statement.rows(TRANSACTIONS).iter().map(|row| row[0].clone()).collect();
        assert_eq!(listed, own);
    }

    #[test]
    fn what_is_switched_off_is_not_listed() {
        let settings = Dicomweb { delete: false, ..Dicomweb::default() };
        assert!(statement(&settings).rows(TRANSACTIONS).iter().all(|row| !row[0].starts_with("DELETE")));
    }
}
