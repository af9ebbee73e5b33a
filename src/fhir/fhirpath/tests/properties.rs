//! Any text is an expression or none; any expression ends.

use proptest::prelude::*;

use super::*;

const WORDS: [&str; 72] = [
    "name",
    "given",
    "Patient",
    "value",
    "$this",
    "$index",
    "$total",
    "%resource",
    "%context",
    "%ucum",
    "{}",
    "true",
    "'a'",
    "''",
    "'[a-z]+'",
    "1",
    "0",
    "-1",
    "2147483647",
    "1.50",
    "1e5",
    "4 'mg'",
    "3 days",
    "@2014",
    "@2014-05-10T",
    "@T10:30",
    "(",
    ")",
    "[",
    "]",
    ".",
    ",",
    "+",
    "-",
    "*",
    "/",
    "div",
    "mod",
    "&",
    "|",
    "=",
    "~",
    "!=",
    "<",
    ">=",
    "in",
    "contains",
    "and",
    "or",
    "xor",
    "implies",
    "is",
    "as",
    ".where(",
    ".select(",
    ".repeat(",
    ".all(",
    ".children()",
    ".descendants()",
    ".aggregate(",
    ".toString()",
    ".matches(",
    ".replaceMatches(",
    ".power(",
    ".lowBoundary()",
    ".highBoundary(",
    ".first()",
    ".ofType(",
    ".count()",
    ".exists()",
    ".iif(",
    ".substring(",
];

/// Expressions that are mostly well-formed.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("name"),
        Just("name.given"),
        Just("birthDate"),
        Just("$this"),
        Just("%resource"),
        Just("'a1'"),
        Just("0"),
        Just("7"),
        Just("-3.25"),
        Just("2147483647"),
        Just("99999999999999999999999999.5"),
        Just("4 'mg'"),
        Just("3 months"),
        Just("@2014-05"),
        Just("@2014-05-10T10:30:00.5+02:00"),
        Just("@T23:59"),
        Just("true"),
        Just("{}"),
    ]
    .prop_map(str::to_owned);
    leaf.prop_recursive(6, 60, 3, |inner| {
        let operator = prop::sample::select(vec![
            "+", "-", "*", "/", "div", "mod", "&", "|", "=", "~", "!=", "!~", "<", "<=", ">", ">=", "in", "contains",
            "and", "or", "xor", "implies",
        ]);
        let none = prop::sample::select(vec![
            "count",
            "first",
            "last",
            "tail",
            "single",
            "distinct",
            "isDistinct",
            "not",
            "exists",
            "empty",
            "children",
            "descendants",
            "toString",
            "toInteger",
            "toDecimal",
            "toDate",
            "toDateTime",
            "toTime",
            "toQuantity",
            "toBoolean",
            "upper",
            "length",
            "toChars",
            "trim",
            "abs",
            "ceiling",
            "floor",
            "exp",
            "ln",
            "sqrt",
            "round",
            "truncate",
            "lowBoundary",
            "highBoundary",
            "precision",
            "type",
            "hasValue",
            "getValue",
            "resolve",
            "sort",
            "allTrue",
            "join",
            "htmlChecks",
            "convertsToQuantity",
        ]);
        let one = prop::sample::select(vec![
            "where",
            "select",
            "all",
            "exists",
            "repeat",
            "aggregate",
            "skip",
            "take",
            "union",
            "combine",
            "intersect",
            "exclude",
            "subsetOf",
            "indexOf",
            "substring",
            "startsWith",
            "contains",
            "matches",
            "matchesFull",
            "split",
            "join",
            "log",
            "power",
            "round",
            "lowBoundary",
            "highBoundary",
            "comparable",
            "sort",
            "extension",
            "encode",
            "memberOf",
            "conformsTo",
            "toQuantity",
        ]);
        prop_oneof![
            (inner.clone(), operator, inner.clone()).prop_map(|(left, by, right)| format!("({left} {by} {right})")),
            (inner.clone(), none).prop_map(|(base, name)| format!("({base}).{name}()")),
            (inner.clone(), one, inner.clone()).prop_map(|(base, name, of)| format!("({base}).{name}({of})")),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(base, from, to)| format!("({base}).replaceMatches({from}, {to})")),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(base, yes, no)| format!("iif({base}, {yes}, {no})")),
            (inner.clone(), inner.clone()).prop_map(|(base, at)| format!("({base})[{at}]")),
            inner.prop_map(|operand| format!("-({operand})")),
        ]
    })
}

fn evaluate(text: &str) {
    let patient = json(&fixture("examples/patient-example.json"));
    let Ok(expression) = Expression::parse(text) else { return };
    let environment = Environment { now: Some(Timestamp(0)), ..Environment::of(&patient) };
    let limits = Limits { steps: 20_000, text_bytes: 10_000, strict: false };
    if let Ok(found) = expression.evaluate(Node::resource(&patient), &environment, &limits) {
        for item in &found {
            drop(item.to_text());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC*|[a-z0-9.()'@%$|&\\\\ \\[\\]{}<>=!~+*/-]{0,60}") {
        evaluate(&text);
    }

    #[test]
    fn any_words_are_read_or_refused(words in prop::collection::vec(prop::sample::select(WORDS.to_vec()), 0..24)) {
        evaluate(&words.join(" "));
        evaluate(&words.concat());
    }

    #[test]
    fn any_expression_ends(text in expression()) {
        evaluate(&text);
    }
}
