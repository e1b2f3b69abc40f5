//! Reading manifests: as kubectl reads them, every error with its place, and within bounds.

use std::fmt::Write;

use boathook::domain::manifest::{Fault, Limits, Manifests, NotAnObject, read, read_within};
use serde_json::{Value, json};

use crate::large;

fn errors(read: &Manifests) -> Vec<String> {
    read.errors.iter().map(ToString::to_string).collect()
}

fn names(read: &Manifests) -> Vec<String> {
    read.objects.iter().map(|manifest| format!("{} {}", manifest.place, manifest.object.key())).collect()
}

/// The data of a ConfigMap written with these lines.
fn data(lines: &str) -> Value {
    let indented = lines.replace('\n', "\n  ");
    let text = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata:\n  {indented}\n");
    let read = read("a.yaml", text.as_bytes());
    assert_eq!(errors(&read), Vec::<String>::new(), "{text}");
    read.objects[0].object.as_json()["data"].clone()
}

fn fault(lines: &str) -> Fault {
    let read = read("a.yaml", lines.as_bytes());
    assert_eq!(read.errors.len(), 1, "{lines}: {read:?}");
    read.errors[0].fault.clone()
}

#[test]
fn manifests_of_many_documents_have_their_places() {
    let text = "# a header\n---\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: one\n---\n# nothing\n--- # next\n\n\
                apiVersion: batch/v1\nkind: Job\nmetadata: {name: two}\n---\nnull\n---\n~\n";
    let read = read("dir/a.yaml", text.as_bytes());
    assert_eq!(errors(&read), Vec::<String>::new());
    assert_eq!(names(&read), ["dir/a.yaml:4 /ConfigMap/one", "dir/a.yaml:12 batch/Job/two"]);
    assert_eq!(read.objects.iter().map(|manifest| manifest.place.document).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn manifests_line_ends_and_byte_order_marks() {
    let unix = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  text: |\n    one\n    two\n---\nnull\n";
    let expected = read("a", unix.as_bytes());
    assert_eq!(expected.objects[0].object.as_json()["data"]["text"], "one\ntwo\n");
    for text in [unix.replace('\n', "\r\n"), format!("\u{feff}{unix}"), format!("\u{feff}---\n{unix}")] {
        let read = read("a", text.as_bytes());
        assert_eq!(errors(&read), Vec::<String>::new(), "{text:?}");
        assert_eq!(read.objects[0].object, expected.objects[0].object, "{text:?}");
    }
}

#[test]
fn manifests_values_are_kubectls() {
    assert_eq!(
        data(
            "mode: 0755\nyes: no\nn: off\nquoted: \"yes\"\nsingle: 'on'\nblock: |\n  yes\nfolded: >-\n  no\nfloat: 1.0\nnothing:\ntime: 2001-01-01\ntagged: !!str 1\nother: !mine x\n7: seven\n1.5: f"
        ),
        json!({"mode": 493, "true": false, "false": false, "quoted": "yes", "single": "on", "block": "yes\n", "folded": "no",
            "float": 1, "nothing": null, "time": "2001-01-01", "tagged": "1", "other": "x", "7": "seven", "1.5": "f"})
    );
}

#[test]
fn manifests_anchors_and_merges() {
    assert_eq!(
        data(
            "base: &base {a: 1, b: 2}\ncopy: *base\nover:\n  <<: *base\n  b: 3\nunder:\n  b: 3\n  <<: *base\nlist:\n  <<: [{a: x}, {a: y, c: z}]\nquoted: {\"<<\": 1}\nscalar: &s text\n*s : key"
        ),
        json!({"base": {"a": 1, "b": 2}, "copy": {"a": 1, "b": 2}, "over": {"a": 1, "b": 3}, "under": {"a": 1, "b": 2},
            "list": {"a": "x", "c": "z"}, "quoted": {"<<": 1}, "scalar": "text", "text": "key"})
    );
}

#[test]
fn manifests_lists_are_flattened() {
    let text = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: a}\n-\n  apiVersion: v1\n  kind: Secret\n  metadata: {name: b}\n---\n\
                apiVersion: v1\nkind: ConfigMapList\nitems: [{metadata: {name: c}}]\n---\napiVersion: v1\nkind: List\nitems: []\n---\n\
                apiVersion: example.com/v1\nkind: PriceList\nmetadata: {name: d}\n";
    let read = read("a", text.as_bytes());
    assert_eq!(errors(&read), Vec::<String>::new());
    assert_eq!(
        names(&read),
        ["a:4 /ConfigMap/a", "a:8 /Secret/b", "a:14 /ConfigMap/c", "a:20 example.com/PriceList/d"]
    );
    let text = "apiVersion: v1\nkind: List\nitems:\n- kind: ConfigMap\n- apiVersion: v1\n  kind: Secret\n- 7\n";
    let read = crate::manifests::read("a", text.as_bytes());
    assert_eq!(names(&read), ["a:5 /Secret/"]);
    assert_eq!(
        errors(&read),
        [
            "a:4:1: apiVersion is missing, or is not a string (document 1)",
            "a:7:1: expected a Kubernetes object, found a number (document 1)",
        ]
    );
}

#[test]
fn manifests_every_broken_document_is_named_and_hides_no_other() {
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\nkind: [\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n\tname: tab\n---\n\
                apiVersion: v1\nkind: ConfigMap\nkind: Secret\n---\n--- {a: 1}\n---\nkind: Job\n---\njust text\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: z}\n";
    let read = read("bad.yaml", text.as_bytes());
    assert_eq!(names(&read), ["bad.yaml:1 /ConfigMap/a", "bad.yaml:22 /Secret/z"]);
    insta::assert_snapshot!(errors(&read).join("\n"));
}

#[test]
fn manifests_faults() {
    assert_eq!(fault("a: 1\na: 2"), Fault::DuplicateKey("a".into()));
    assert_eq!(fault("on: 1\n\"true\": 2"), Fault::DuplicateKey("true".into()));
    assert_eq!(fault("a: &a {x: 1, x: 2}"), Fault::DuplicateKey("x".into()));
    assert_eq!(fault("b: &b {x: 1}\na: {<<: *b, x: 2, x: 3}"), Fault::DuplicateKey("x".into()));
    assert_eq!(fault("~: 1"), Fault::Key("null"));
    assert_eq!(fault("{a: 1}: 2\n"), Fault::Key("a mapping"));
    assert_eq!(fault("? [a]\n: 2\n"), Fault::Key("a list"));
    assert_eq!(fault("a: {<<: 3}"), Fault::Merge);
    assert_eq!(fault("a: {<<: [{}, 3]}"), Fault::Merge);
    assert_eq!(fault("a: .inf"), Fault::Number(".inf".into()));
    assert_eq!(fault("a: !!int x"), Fault::Tag("!!int".into()));
    assert_eq!(fault("a: &a [*a]"), Fault::Cycle);
    assert_eq!(fault("a: 1\n...\nb: 2\n"), Fault::SecondDocument);
    assert_eq!(fault("3"), Fault::NotAnObject(NotAnObject::WrongType("a number")));
    assert!(matches!(fault("a: *nowhere"), Fault::Syntax(_)));
    assert!(matches!(fault("\ta: 1"), Fault::Syntax(_)));
    assert!(matches!(fault("%YAML 9.9\n"), Fault::Syntax(_)));
    let escapes = fault("a: \"\u{1b}[2J").to_string();
    assert!(!escapes.contains(char::is_control), "nothing that a terminal obeys: {escapes:?}");
    let read = read("bin", b"a: 1\nb: \xff\xfe");
    assert_eq!(errors(&read), ["bin:2:4: not UTF-8 text (document 1)"]);
}

#[test]
fn manifests_in_json() {
    let text = "{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {\"name\": \"a\"}, \"data\": {\"n\": 1.0, \"big\": 18446744073709551615}}\n\n {\n\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[{\"apiVersion\":\"v1\",\"kind\":\"Secret\"}]}";
    let read = read("a", text.as_bytes());
    assert_eq!(errors(&read), Vec::<String>::new());
    assert_eq!(names(&read), ["a:1 /ConfigMap/a", "a:3 /Secret/"]);
    assert_eq!(read.objects[0].object.as_json()["data"], json!({"n": 1, "big": 18_446_744_073_709_551_615.0_f64}));
    let object = |name: &str| {
        format!("{{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {{\"name\": \"{name}\"}}}}\n")
    };
    let broken = format!("{}{{\"a\": 1, \"a\": 2}}\n{}{{\"b\": }}\n", object("x"), object("y"));
    let read = crate::manifests::read("b", broken.as_bytes());
    assert_eq!(names(&read), ["b:1 /ConfigMap/x", "b:3 /ConfigMap/y"]);
    assert_eq!(
        errors(&read),
        ["b:2:12: the key \"a\" is written twice (document 1)", "b:4:7: expected value (document 1)"]
    );
    assert_eq!(read.errors[0].fault, Fault::DuplicateKey("a".into()));
    let one_line = crate::manifests::read("c", b"\n  {\"a\": 1} {\"a\": 2, \"a\": 3}");
    assert_eq!(
        errors(&one_line),
        [
            "c:2:1: apiVersion is missing, or is not a string (document 1)",
            "c:2:23: the key \"a\" is written twice (document 1)",
        ]
    );
    let flow = read_one("{apiVersion: v1, kind: ConfigMap, data: {on: yes}}");
    assert_eq!(flow["data"], json!({"true": true}));
    let after_yaml = format!("---\n{}---\napiVersion: v1\nkind: Secret\n", object("x"));
    assert_eq!(names(&crate::manifests::read("c", after_yaml.as_bytes())), ["c:2 /ConfigMap/x", "c:4 /Secret/"]);
}

/// What kubectl takes, or passes over in silence, was seen with kubectl 1.32; files that are called `.json` are Argo CD's.
#[test]
fn manifests_in_json_are_no_more_lenient_than_kubectl_and_argo_cd() {
    let a = r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}"#;
    let b = a.replace("\"a\"", "\"b\"");
    let trailing = r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a",}}"#;
    for (source, text, objects, expected) in [
        ("a.yaml", format!("{a}{b}"), 2, ""),
        ("a.yaml", format!("{a}\n---\n{b}\n"), 2, ""),
        ("a.yaml", format!("---\n{a} # a comment\n"), 1, ""),
        ("a.yaml", format!("---\n{}", a.replace(", ", ",\n\t")), 1, ""),
        ("a.yaml", trailing.to_owned(), 0, "a.yaml:1:68: key must be a string"),
        ("a.yaml", format!("{a}\n,\n{b}\n"), 1, "a.yaml:2:1: expected value"),
        ("a.yaml", format!("{a}\n# a comment\n"), 1, "a.yaml:2:1: expected value"),
        ("a.yaml", format!("[{a}, {b}]"), 0, "a.yaml:1:1: expected a Kubernetes object, found a list"),
        // kubectl drops the second without a word.
        ("a.yaml", format!("# a comment\n{a}\n{b}\n"), 0, "a.yaml:3:1: a document may only begin after `---`"),
        ("a.yaml", format!("---\n{a}\n{b}\n"), 0, "a.yaml:3:1: a document may only begin after `---`"),
        ("a.json", format!("\u{feff}\n{a}\n\n"), 1, ""),
        ("a.json", trailing.to_owned(), 0, "a.json:1:68: key must be a string"),
        ("a.json", format!("{a}\n\n  {b}\n"), 1, "a.json:3:3: Argo CD takes only one object"),
        ("a.json", format!("{a}\n---\n{b}\n"), 1, "a.json:2:2: invalid number"),
        ("a.json", format!("// a comment\n{a}"), 0, "a.json:1:1: expected value"),
        ("a.json", "{apiVersion: v1, kind: ConfigMap}".to_owned(), 0, "a.json:1:2: key must be a string"),
        ("a.json", "apiVersion: v1\nkind: ConfigMap\n".to_owned(), 0, "a.json:1:1: expected value"),
        ("a.json", " \n".to_owned(), 0, "a.json:1:1: no JSON"),
        ("a.json", "{\"a\": [1,\n 2".to_owned(), 0, "a.json:2:2: EOF while parsing a list"),
    ] {
        let read = read(source, text.as_bytes());
        assert_eq!(read.objects.len(), objects, "{text}: {:?}", errors(&read));
        let errors = errors(&read).join("\n");
        assert!(errors.starts_with(expected) && errors.is_empty() == expected.is_empty(), "{text}: {errors:?}");
        assert!(errors.lines().count() < 2, "{text}: {errors}");
    }
}

#[test]
fn manifests_that_are_no_objects() {
    for (text, expected) in [
        ("apiVersion: a/b/c\nkind: X\n", NotAnObject::ApiVersion),
        ("apiVersion: apps/\nkind: X\n", NotAnObject::ApiVersion),
        ("apiVersion: ''\nkind: X\n", NotAnObject::MissingField("apiVersion")),
        ("apiVersion: 1\nkind: X\n", NotAnObject::MissingField("apiVersion")),
        ("apiVersion: v1\nkind: y\n", NotAnObject::MissingField("kind")),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: [a]\n", NotAnObject::Metadata),
        ("apiVersion: v1\nkind: List\nitems: 3\n", NotAnObject::Items),
        ("apiVersion: v1\nkind: List\nitems: {a: b}\n", NotAnObject::Items),
        ("apiVersion: v1\nkind: List\nitems:\n", NotAnObject::Items),
        ("apiVersion: v1\nkind: List\n", NotAnObject::Items),
        ("apiVersion: v1\nkind: List\nitems: [3]\n", NotAnObject::WrongType("a number")),
    ] {
        assert_eq!(fault(text), Fault::NotAnObject(expected), "{text}");
    }
    assert_eq!(read_one("apiVersion: /v1\nkind: ConfigMap\n")["kind"], "ConfigMap", "as kubectl takes it");
}

fn read_one(text: &str) -> Value {
    let mut read = read("a", text.as_bytes());
    assert_eq!(errors(&read), Vec::<String>::new(), "{text}");
    read.objects.remove(0).object.into_json()
}

#[test]
fn manifests_too_large_or_too_deep_end_in_one_clear_error() {
    let large = vec![b'#'; 50 << 20];
    assert_eq!(
        errors(&read("large.yaml", &large)),
        ["large.yaml:1:1: more than 33554432 bytes in one source (document 1)"]
    );

    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..30 {
        let before = format!("*a{}", level - 1);
        let items = [before.as_str(); 9].join(", ");
        writeln!(bomb, "a{level}: &a{level} [{items}]").unwrap();
    }
    let read_bomb = read("bomb.yaml", format!("{bomb}---\napiVersion: v1\nkind: Secret\n").as_bytes());
    assert_eq!(read_bomb.errors.len(), 1);
    assert_eq!(
        errors(&read_bomb)[0],
        "bomb.yaml:7:15: more than 2000000 values in one source, aliases counted (document 1)"
    );

    let text = format!("a: &a {}\nb: [{}]\n", "x".repeat(1 << 20), vec!["*a"; 1000].join(", "));
    let fault = read("text.yaml", text.as_bytes()).errors.remove(0).fault;
    assert!(matches!(fault, Fault::TooMuch { most: 67_108_864, .. }), "{fault}");

    for deep in ["[".repeat(5_000), "{a: ".repeat(5_000), "- ".repeat(5_000), "? ".repeat(5_000), "[".repeat(300_000)] {
        let read = read("deep.yaml", deep.as_bytes());
        assert_eq!(read.errors.len(), 1, "{}", &deep[..10]);
    }
    let deep = format!("{{\"apiVersion\": {}", "[".repeat(100_000));
    assert_eq!(read("deep.json", deep.as_bytes()).errors.len(), 1);
    let deep = format!("{{\"apiVersion\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(errors(&read("deep.json", deep.as_bytes())).len(), 1);

    let many = "[],".repeat(3_000_000);
    let many = format!("{{\"a\": [{many}1]}}");
    assert!(errors(&read("many.json", many.as_bytes()))[0].contains("more than 2000000 values"));

    let object = "{\"apiVersion\": \"v1\", \"kind\": \"Secret\"}\n";
    let objects = read("many.yaml", object.repeat(20_000).as_bytes()).objects;
    assert_eq!(objects.last().map(|last| last.place.line), Some(20_000));

    let documents = "a: 1\n---\n".repeat(200);
    assert_eq!(read("many.yaml", documents.as_bytes()).errors.len(), 50, "errors are bounded");
    let limits = Limits { documents: 3, ..Limits::default() };
    let read = read_within("many.yaml", "apiVersion: v1\nkind: Secret\n---\n".repeat(5).as_bytes(), limits);
    assert_eq!(read.objects.len(), 3);
    assert_eq!(errors(&read), ["many.yaml:10:1: more than 3 documents in one source (document 4)"]);
}

#[test]
fn manifests_of_a_large_application() {
    let text = large::manifests(1_000);
    assert!(text.len() > 700_000, "{}", text.len());
    let read = read("large.yaml", text.as_bytes());
    assert_eq!(errors(&read), Vec::<String>::new());
    assert_eq!(read.objects.len(), 1_000);
    let last = &read.objects[999];
    let lines = text.lines().count();
    assert_eq!(last.place.line, lines - lines / 1_000 + 3, "behind the separator and the comment");
    assert_eq!(last.object.at(&["spec", "template", "spec", "volumes"]).unwrap()[0]["configMap"]["defaultMode"], 420);
}
