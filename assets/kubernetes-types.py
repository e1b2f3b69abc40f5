#!/usr/bin/env python3
"""Writes kubernetes-types.json: what the simulator knows about the types of the built-in kinds.

The facts (fields, types, list types, merge keys, defaults, the first sentence of each description) come from the
OpenAPI documents of a running Kubernetes API server, reached with the kubectl of the PATH and its configuration:

    ./kubernetes-types.py > kubernetes-types.json

One definition a line, in OpenAPI's own words, with two shorthands: "$ref" holds the bare name of a definition, and a
reference stands beside its siblings instead of inside an "allOf" of one.
"""

import json
import subprocess
import sys

GROUPS = {
    "api/v1": "Namespace ConfigMap Secret ServiceAccount Service Event Node Pod PersistentVolumeClaim PersistentVolume "
    "Endpoints ReplicationController ResourceQuota LimitRange",
    "apis/apps/v1": "Deployment ReplicaSet StatefulSet DaemonSet ControllerRevision",
    "apis/batch/v1": "Job CronJob",
    "apis/networking.k8s.io/v1": "Ingress IngressClass NetworkPolicy",
    "apis/autoscaling/v2": "HorizontalPodAutoscaler",
    "apis/discovery.k8s.io/v1": "EndpointSlice",
    "apis/policy/v1": "PodDisruptionBudget",
    "apis/scheduling.k8s.io/v1": "PriorityClass",
    "apis/storage.k8s.io/v1": "StorageClass",
    "apis/rbac.authorization.k8s.io/v1": "Role RoleBinding ClusterRole ClusterRoleBinding",
    "apis/coordination.k8s.io/v1": "Lease",
    "apis/events.k8s.io/v1": "Event",
    "apis/apiextensions.k8s.io/v1": "CustomResourceDefinition",
    "apis/authentication.k8s.io/v1": "SelfSubjectReview",
    "apis/authorization.k8s.io/v1": "SelfSubjectAccessReview",
}
LONGEST_DESCRIPTION = 120


def document(path):
    return json.loads(subprocess.check_output(["kubectl", "get", "--raw", "/openapi/v3/" + path]))


def references(node):
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].split("/")[-1]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def first_sentence(text):
    text = text.split("\n")[0].split(". ")[0].strip()
    if len(text) > LONGEST_DESCRIPTION:
        text = text[: LONGEST_DESCRIPTION - 4].rsplit(" ", 1)[0].rstrip(",.;: ") + " ..."
    return text


def trim(node):
    if isinstance(node, list):
        return [trim(value) for value in node]
    if not isinstance(node, dict):
        return node
    out = {}
    for key, value in node.items():
        if key == "properties":
            out[key] = {name: trim(child) for name, child in value.items()}
        elif key == "description":
            out[key] = first_sentence(value)
        elif key == "allOf" and len(value) == 1 and "$ref" in value[0]:
            out["$ref"] = value[0]["$ref"].split("/")[-1]
        elif key == "$ref":
            out[key] = value.split("/")[-1]
        elif key == "default" or key == "enum" or key == "required":
            out[key] = value
        elif key == "x-kubernetes-unions":
            continue
        else:
            out[key] = trim(value)
    return out


def main():
    documents = {path: document(path)["components"]["schemas"] for path in GROUPS}
    roots = []
    for path, kinds in GROUPS.items():
        group, version = ("", "v1") if path == "api/v1" else path.split("/")[1:]
        for kind in kinds.split():
            wanted = {"group": group, "version": version, "kind": kind}
            names = [n for n, s in documents[path].items() if wanted in s.get("x-kubernetes-group-version-kind", [])]
            if len(names) != 1:
                sys.exit(f"{path} {kind}: {names}")
            roots.append(names[0])
    everything = {name: schema for schemas in documents.values() for name, schema in schemas.items()}
    roots += [n for n in everything if n.split(".")[-1] in ("Status", "DeleteOptions", "Scale", "Eviction") and ".v1." in n]
    kept, todo = {}, roots
    while todo:
        name = todo.pop()
        if name not in kept:
            kept[name] = everything[name]
            todo.extend(references(everything[name]))
    for schema in kept.values():
        # DeleteOptions and Status list every group of the server.
        if len(schema.get("x-kubernetes-group-version-kind", [])) > 1:
            del schema["x-kubernetes-group-version-kind"]
    lines = [f"{json.dumps(n)}:{json.dumps(trim(kept[n]), separators=(',', ':'))}" for n in sorted(kept)]
    print("{\n" + ",\n".join(lines) + "\n}")


main()
