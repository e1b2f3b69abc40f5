//! Installing the definitions of Application and AppProject where there are none.

use serde_json::Value;

use super::error::EngineError;
use super::record::MANAGER;
use crate::cluster::{Cluster, Kind, WriteOptions};
use crate::domain::manifest::{Object, read};

/// Ours: lean, with unknown fields kept.
const DEFINITIONS: [&str; 2] =
    [include_str!("../../assets/crds/application.yaml"), include_str!("../../assets/crds/appproject.yaml")];
/// How long a definition may take until its kind is served.
const ESTABLISHED: std::time::Duration = std::time::Duration::from_secs(10);
const LOOK: std::time::Duration = std::time::Duration::from_millis(100);

/// Creates the definitions that are missing and waits until they are served; the names of those it made. Definitions
/// that are there, Argo CD's above all, are never touched.
pub async fn install_definitions(cluster: &Cluster) -> Result<Vec<String>, EngineError> {
    let kind =
        Kind::known("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", false);
    let options = WriteOptions { manager: MANAGER.to_owned(), strict: true, ..WriteOptions::default() };
    let mut made = Vec::new();
    for definition in definitions() {
        match cluster.create(&kind, &definition, &options).await {
            Ok(_) => made.push(definition.name().to_owned()),
            Err(error) if error.is_already_there() => {}
            Err(error) => return Err(error.into()),
        }
    }
    let deadline = cluster.clock().monotonic() + ESTABLISHED;
    for name in &made {
        while !cluster.get(&kind, "", name).await?.is_some_and(|definition| is_established(&definition)) {
            if cluster.clock().monotonic() > deadline {
                let reason = format!("{name} was created, and is not served yet; try again");
                return Err(EngineError::Option { option: "--install-crds", reason });
            }
            cluster.clock().sleep(LOOK).await;
        }
    }
    Ok(made)
}

fn definitions() -> Vec<Object> {
    let all = DEFINITIONS.iter().map(|text| read("assets/crds", text.as_bytes()));
    all.flat_map(|manifests| manifests.objects).map(|manifest| manifest.object).collect()
}

fn is_established(definition: &Object) -> bool {
    let conditions = definition.at(&["status", "conditions"]).and_then(Value::as_array).into_iter().flatten();
    conditions.filter(|condition| condition["type"] == "Established").any(|condition| condition["status"] == "True")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definitions_have_argo_cds_names_and_columns_and_no_status_subresource() {
        let definitions = definitions();
        let names: Vec<_> = definitions.iter().map(Object::name).collect();
        assert_eq!(names, ["applications.argoproj.io", "appprojects.argoproj.io"]);
        for definition in &definitions {
            let version = &definition.at(&["spec", "versions"]).unwrap()[0];
            assert!(version.get("subresources").is_none());
            let is_kept = "x-kubernetes-preserve-unknown-fields";
            let schema = &version["schema"]["openAPIV3Schema"]["properties"];
            assert_eq!(schema["spec"][is_kept], true);
        }
        let version = &definitions[0].at(&["spec", "versions"]).unwrap()[0];
        let columns: Vec<_> = version["additionalPrinterColumns"].as_array().unwrap().iter().collect();
        let named: Vec<_> = columns.iter().map(|column| column["name"].as_str().unwrap()).collect();
        assert_eq!(named, ["Sync Status", "Health Status", "Revision", "Project"]);
    }
}
