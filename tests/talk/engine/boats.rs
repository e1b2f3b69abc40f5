//! A kind that a definition brings, and an object of it.

use boathook::sim::resource::GroupResource;

pub(super) const BOATS: GroupResource = GroupResource::of("example.com", "boats");

pub(super) const DEFINITION: &str = "---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: boats.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Boat, plural: boats, singular: boat}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
";

pub(super) const BOAT: &str = "---\napiVersion: example.com/v1\nkind: Boat\nmetadata: {name: one}\nspec: {a: 1}\n";
