//! The rules for names, labels and annotations; the words are those of Kubernetes.

const DNS_LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must \
                         start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for \
                         validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const DNS_SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or \
                             '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex \
                             used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const NAME_PART: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with \
                         an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for \
                         validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const LABEL_KEY: &str = "a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and \
                         end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used \
                         for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain \
                         prefix and '/' (e.g. 'example.com/MyName')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', \
                           and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or \
                           '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

fn within(text: &str, inner: fn(char) -> bool, outer: fn(char) -> bool) -> bool {
    text.chars().all(inner) && text.starts_with(outer) && text.ends_with(outer)
}

fn lower(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit()
}

fn is_dns_label(text: &str) -> bool {
    within(text, |c| lower(c) || c == '-', lower)
}

fn is_word(text: &str) -> bool {
    within(text, |c| c.is_ascii_alphanumeric() || "-_.".contains(c), |c| c.is_ascii_alphanumeric())
}

fn no_more_than(most: usize) -> String {
    format!("must be no more than {most} bytes")
}

/// What is wrong with a DNS label, such as the name of a container or a namespace.
pub(super) fn dns_label(name: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if name.len() > 63 {
        wrong.push(no_more_than(63));
    }
    if !is_dns_label(name) {
        let dots = name.contains('.') && is_dns_subdomain(name);
        wrong.push(if dots { "must not contain dots".to_owned() } else { DNS_LABEL.to_owned() });
    }
    wrong
}

fn is_dns_subdomain(name: &str) -> bool {
    name.split('.').all(is_dns_label)
}

/// What is wrong with a DNS subdomain, such as the name of most objects.
pub(super) fn dns_subdomain(name: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if name.len() > 253 {
        wrong.push(no_more_than(253));
    }
    if !is_dns_subdomain(name) {
        wrong.push(DNS_SUBDOMAIN.to_owned());
    }
    wrong
}

/// What is wrong with a name that need only be a part of a path, such as that of a Role.
pub(super) fn path_segment(name: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if name == "." || name == ".." {
        wrong.push(format!("may not be '{name}'"));
    }
    for part in ["/", "%"] {
        if name.contains(part) {
            wrong.push(format!("may not contain '{part}'"));
        }
    }
    wrong
}

/// What is wrong with the key of a label or an annotation, or another qualified name.
pub(super) fn qualified_name(name: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let (prefix, word) = match name.split('/').collect::<Vec<_>>().as_slice() {
        [word] => (None, *word),
        [prefix, word] => (Some(*prefix), *word),
        _ => return vec![LABEL_KEY.to_owned()],
    };
    match prefix {
        Some("") => wrong.push("prefix part must be non-empty".to_owned()),
        Some(prefix) => wrong.extend(dns_subdomain(prefix).into_iter().map(|why| format!("prefix part {why}"))),
        None => {}
    }
    if word.is_empty() {
        wrong.push("name part must be non-empty".to_owned());
    } else if word.len() > 63 {
        wrong.push(format!("name part {}", no_more_than(63)));
    }
    if !is_word(word) {
        wrong.push(NAME_PART.to_owned());
    }
    wrong
}

/// What is wrong with the value of a label.
pub(super) fn label_value(value: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if value.len() > 63 {
        wrong.push(no_more_than(63));
    }
    if !value.is_empty() && !is_word(value) {
        wrong.push(LABEL_VALUE.to_owned());
    }
    wrong
}

/// What is wrong with a key of a ConfigMap or a Secret.
pub(super) fn config_key(key: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if key.len() > 253 {
        wrong.push(no_more_than(253));
    }
    if key.is_empty() || !key.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
        wrong.push(
            "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or \
             'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
                .to_owned(),
        );
    }
    if key == "." || key == ".." || key.starts_with("..") {
        wrong.push(format!("must not start with '..' or be '{key}'"));
    }
    wrong
}
