//! What can be done here: the Retrieve Capabilities transaction, as WADL or JSON. PS3.18 §8.9.

use std::fmt::Write as _;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use crate::http::{AtTenant, HttpError};
use crate::ops::Ops;

use super::accept::Accept;
use super::media::{DICOM, DICOM_JSON};
use super::place;

/// `OPTIONS /`
pub(super) async fn capabilities(
    ops: web::Data<Ops>,
    tenant: AtTenant,
    request: HttpRequest,
) -> Result<HttpResponse, HttpError> {
    // Of a browser that asks whether it may ask (Fetch §3.2.2): nothing but that is answered, and where no origin may,
    // nothing is allowed.
    if request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD) {
        return Ok(HttpResponse::new(StatusCode::NO_CONTENT));
    }
    let media_type = Accept::of(&request).choose(&[WADL, "application/json"])?;
    let base = place::base(&ops, &tenant.0);
    let body = if media_type == WADL { wadl(&base) } else { to_json(&base).to_string() };
    let mut response = HttpResponse::build(StatusCode::OK).content_type(media_type).body(body);
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("OPTIONS"));
    Ok(response)
}

/// A resource and its methods.
pub(super) struct Resource {
    pub(super) path: &'static str,
    pub(super) methods: &'static [Offered],
}

/// A method of a resource.
pub(super) struct Offered {
    pub(super) method: &'static str,
    /// Name of the transaction.
    pub(super) id: &'static str,
    /// Media types of the body of the request.
    pub(super) takes: &'static [&'static str],
    /// Media types of the answer.
    pub(super) gives: &'static [&'static str],
}

const fn get(id: &'static str, gives: &'static [&'static str]) -> Offered {
    Offered { method: "GET", id, takes: &[], gives }
}

const STORE: Offered = Offered {
    method: "POST",
    id: "StoreInstances",
    takes: &[
        "multipart/related; type=\"application/dicom\"",
        "multipart/related; type=\"application/dicom+json\"",
        DICOM,
    ],
    gives: JSON,
};
const DELETE: Offered = Offered { method: "DELETE", id: "Delete", takes: &[], gives: &[] };
const SEARCH: Offered = get("Search", JSON);
const JSON: &[&str] = &[DICOM_JSON, "application/json"];
const PARTS: &[&str] = &["multipart/related; type=\"application/dicom\""];
const PART: &[&str] = &["multipart/related; type=\"application/dicom\"", DICOM];
const BULK: &[&str] = &["multipart/related; type=\"application/octet-stream\"", "application/octet-stream"];
const PICTURES: &[&str] = &["image/jpeg", "image/png", "image/gif", "application/pdf", "text/html", "text/plain"];
const PICTURE: &[&str] = &["image/jpeg", "image/png", "image/gif"];

/// Everything below the base. PS3.18 Table 10.1-1.
pub(super) const RESOURCES: &[Resource] = &[
    Resource { path: "studies", methods: &[SEARCH, STORE] },
    Resource { path: "series", methods: &[SEARCH] },
    Resource { path: "instances", methods: &[SEARCH] },
    Resource { path: "studies/{study}", methods: &[get("RetrieveStudy", PARTS), STORE, DELETE] },
    Resource { path: "studies/{study}/metadata", methods: &[get("RetrieveStudyMetadata", JSON)] },
    Resource { path: "studies/{study}/rendered", methods: &[get("RetrieveRenderedStudy", PICTURE)] },
    Resource { path: "studies/{study}/thumbnail", methods: &[get("RetrieveStudyThumbnail", PICTURE)] },
    Resource { path: "studies/{study}/series", methods: &[SEARCH] },
    Resource { path: "studies/{study}/instances", methods: &[SEARCH] },
    Resource { path: "studies/{study}/series/{series}", methods: &[get("RetrieveSeries", PARTS), DELETE] },
    Resource { path: "studies/{study}/series/{series}/metadata", methods: &[get("RetrieveSeriesMetadata", JSON)] },
    Resource { path: "studies/{study}/series/{series}/rendered", methods: &[get("RetrieveRenderedSeries", PICTURE)] },
    Resource { path: "studies/{study}/series/{series}/thumbnail", methods: &[get("RetrieveSeriesThumbnail", PICTURE)] },
    Resource { path: "studies/{study}/series/{series}/instances", methods: &[SEARCH] },
    Resource {
        path: "studies/{study}/series/{series}/instances/{instance}",
        methods: &[get("RetrieveInstance", PART), DELETE],
    },
    Resource {
        path: "studies/{study}/series/{series}/instances/{instance}/metadata",
        methods: &[get("RetrieveInstanceMetadata", JSON)],
    },
    Resource {
        path: "studies/{study}/series/{series}/instances/{instance}/rendered",
        methods: &[get("RetrieveRenderedInstance", PICTURES)],
    },
    Resource {
        path: "studies/{study}/series/{series}/instances/{instance}/thumbnail",
        methods: &[get("RetrieveInstanceThumbnail", PICTURE)],
    },
    Resource {
        path: "studies/{study}/series/{series}/instances/{instance}/bulkdata/{path}",
        methods: &[get("RetrieveBulkdata", BULK)],
    },
    Resource {
        path: "studies/{study}/series/{series}/instances/{instance}/frames/{frames}",
        methods: &[get("RetrieveFrames", BULK)],
    },
    Resource {
        path: "studies/{study}/series/{series}/instances/{instance}/frames/{frames}/rendered",
        methods: &[get("RetrieveRenderedFrames", PICTURE)],
    },
    Resource {
        path: "studies/{study}/series/{series}/instances/{instance}/frames/{frames}/thumbnail",
        methods: &[get("RetrieveFrameThumbnail", PICTURE)],
    },
];

/// W3C Web Application Description Language of 2009.
fn wadl(base: &str) -> String {
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<application xmlns=\"http://wadl.dev.java.net/2009/02\">\n",
    );
    let _ = writeln!(out, "  <resources base=\"{}/\">", escaped(base));
    for resource in RESOURCES {
        let _ = writeln!(out, "    <resource path=\"{}\">", resource.path);
        for name in ["study", "series", "instance", "frames", "path"] {
            if resource.path.contains(&format!("{{{name}}}")) {
                let _ = writeln!(out, "      <param name=\"{name}\" style=\"template\" required=\"true\"/>");
            }
        }
        for offered in resource.methods {
            let _ = writeln!(out, "      <method name=\"{}\" id=\"{}\">", offered.method, offered.id);
            for (element, types) in [("request", offered.takes), ("response", offered.gives)] {
                if types.is_empty() {
                    continue;
                }
                let _ = writeln!(out, "        <{element}>");
                for media_type in types {
                    let _ = writeln!(out, "          <representation mediaType=\"{}\"/>", escaped(media_type));
                }
                let _ = writeln!(out, "        </{element}>");
            }
            out.push_str("      </method>\n");
        }
        out.push_str("    </resource>\n");
    }
    out.push_str("  </resources>\n</application>\n");
    out
}

/// The same in JSON.
fn to_json(base: &str) -> Value {
    let method = |offered: &Offered| json!({"name": offered.method, "id": offered.id, "request": offered.takes, "response": offered.gives});
    let resource = |resource: &Resource| json!({"path": resource.path, "methods": resource.methods.iter().map(method).collect::<Vec<_>>()});
    let resources: Vec<Value> = RESOURCES.iter().map(resource).collect();
    json!({"resources": {"base": format!("{base}/"), "resource": resources}})
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

/// RFC and registration: W3C Member Submission of 31 August 2009.
const WADL: &str = "application/vnd.sun.wadl+xml";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_say_the_same() {
        let text = wadl("http://gateway.test/dicom-web");
        let document = roxmltree::Document::parse(&text).expect("is XML");
        let count = |name: &str| document.descendants().filter(|node| node.tag_name().name() == name).count();
        assert_eq!(count("resource"), RESOURCES.len());
        assert_eq!(count("method"), RESOURCES.iter().map(|resource| resource.methods.len()).sum::<usize>());
        let json = to_json("http://gateway.test/dicom-web");
        assert_eq!(json["resources"]["base"], "http://gateway.test/dicom-web/");
        assert_eq!(json["resources"]["resource"].as_array().map(Vec::len), Some(RESOURCES.len()));
    }
}
