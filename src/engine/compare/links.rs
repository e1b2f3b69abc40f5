//! Addresses under which people reach what an application runs: those of its Ingresses, and of the annotations
//! `link.argocd.argoproj.io/...`, as Argo CD lists them in `status.summary.externalURLs`.

use serde_json::Value;

use crate::domain::manifest::Object;

/// Begin of annotations whose values are addresses, perhaps after a title and a bar.
const LINK: &str = "link.argocd.argoproj.io/";
/// Only annotations count.
const NO_DEFAULT_LINKS: &str = "argocd.argoproj.io/ignore-default-links";
/// Of one object no more are listed.
const MOST: usize = 100;

/// The addresses of one live object.
pub(super) fn links(object: &Object) -> Vec<String> {
    let annotations = object.at(&["metadata", "annotations"]).and_then(Value::as_object).into_iter().flatten();
    let told = annotations.filter(|(name, _)| name.starts_with(LINK)).filter_map(|(_, value)| value.as_str());
    let mut links: Vec<String> = told.map(|text| text.rsplit('|').next().unwrap_or(text).trim().to_owned()).collect();
    if object.kind() == "Ingress"
        && ["networking.k8s.io", "extensions"].contains(&object.group())
        && object.annotation(NO_DEFAULT_LINKS) != Some("true")
    {
        links.extend(of_ingress(object));
    }
    // Shown as links by others: nothing but web addresses.
    links.retain(|link| ["http://", "https://"].iter().any(|scheme| link.starts_with(scheme)));
    links.sort();
    links.dedup();
    links.truncate(MOST);
    links
}

fn of_ingress(ingress: &Object) -> Vec<String> {
    let list = |path: &[&str]| ingress.at(path).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let text = |value: &Value, field: &str| value[field].as_str().unwrap_or_default().to_owned();
    let tls = list(&["spec", "tls"]);
    let is_secured = |host: &str| {
        let hosts = tls.iter().flat_map(|entry| entry["hosts"].as_array().into_iter().flatten());
        tls.iter().any(|entry| entry["hosts"].as_array().is_none_or(Vec::is_empty))
            || hosts.into_iter().any(|own| own.as_str() == Some(host))
    };
    let balancers: Vec<String> = (list(&["status", "loadBalancer", "ingress"]).iter())
        .map(|entry| Some(text(entry, "hostname")).filter(|name| !name.is_empty()).unwrap_or_else(|| text(entry, "ip")))
        .filter(|name| !name.is_empty())
        .collect();
    let mut links = Vec::new();
    for rule in list(&["spec", "rules"]) {
        let host = text(rule, "host");
        let hosts = if host.is_empty() { balancers.clone() } else { vec![host] };
        let paths = rule["http"]["paths"].as_array().map(Vec::as_slice).unwrap_or_default();
        for host in hosts {
            let scheme = if is_secured(&host) { "https" } else { "http" };
            for path in paths {
                let path = text(path, "path");
                links.push(format!("{scheme}://{host}{}", path.trim_end_matches('*')));
            }
        }
    }
    links
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_ingress_tells_where_it_leads() {
        let ingress = |annotations: Value, tls: Value| {
            let rule = |host: &str, paths: &[&str]| {
                let paths: Vec<Value> = paths.iter().map(|path| json!({ "path": path })).collect();
                json!({"host": host, "http": {"paths": paths}})
            };
            let rules = [rule("shop.example.com", &["/", "/api/*"]), rule("", &["/x"])];
            let object = json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
                "metadata": {"name": "web", "annotations": annotations}, "spec": {"rules": rules, "tls": tls},
                "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}});
            links(&Object::from_json(object).unwrap())
        };
        assert_eq!(
            ingress(json!({}), json!([])),
            ["http://10.0.0.1/x", "http://shop.example.com/", "http://shop.example.com/api/"]
        );
        let secured = json!([{"hosts": ["shop.example.com"]}]);
        assert_eq!(
            ingress(json!({"link.argocd.argoproj.io/docs": "Docs|https://docs.example.com"}), secured.clone()),
            [
                "http://10.0.0.1/x",
                "https://docs.example.com",
                "https://shop.example.com/",
                "https://shop.example.com/api/"
            ]
        );
        let alone = json!({"argocd.argoproj.io/ignore-default-links": "true", "link.argocd.argoproj.io/x": "javascript:alert(1)"});
        assert_eq!(ingress(alone, secured), Vec::<String>::new());
    }
}
