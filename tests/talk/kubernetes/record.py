#!/usr/bin/env python3
"""Asks a real Kubernetes API server the requests below, and writes what it answers, one request a line.

    kubectl proxy --port 8001 &
    ./record.py http://127.0.0.1:8001 > answers.jsonl

It works in a namespace of its own, which it makes and deletes, and on one CustomResourceDefinition. What differs from
run to run (UIDs, times, versions, addresses) is blanked, and so is what controllers write meanwhile (status).
"""

import json
import re
import sys
import time
import urllib.error
import urllib.request

SERVER = sys.argv[1]
NS = "boathook-recorded"
CORE = f"/api/v1/namespaces/{NS}"
APPS = f"/apis/apps/v1/namespaces/{NS}"
BATCH = f"/apis/batch/v1/namespaces/{NS}"
RBAC = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{NS}"
NET = f"/apis/networking.k8s.io/v1/namespaces/{NS}"
WIDGETS = f"/apis/recorded.boathook.dev/v1/namespaces/{NS}/widgets"
JSON, MERGE, PATCH = "application/json", "application/merge-patch+json", "application/json-patch+json"
STRATEGIC, APPLY = "application/strategic-merge-patch+json", "application/apply-patch+yaml"

CRD = {
    "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.recorded.boathook.dev"},
    "spec": {
        "group": "recorded.boathook.dev", "scope": "Namespaced", "names": {"plural": "widgets", "kind": "Widget"},
        "versions": [{
            "name": "v1", "served": True, "storage": True, "subresources": {"status": {}},
            "schema": {"openAPIV3Schema": {"type": "object", "required": ["spec"], "properties": {
                "spec": {"type": "object", "required": ["size"], "properties": {
                    "size": {"type": "integer", "minimum": 1, "maximum": 10},
                    "name": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 5},
                    "mode": {"type": "string", "enum": ["a", "b"], "default": "a"},
                    "parts": {
                        "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["id"],
                        "items": {"type": "object", "required": ["id"], "properties": {
                            "id": {"type": "string"}, "n": {"type": "integer"}}}},
                    "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
                    "plain": {"type": "array", "items": {"type": "string"}},
                    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                    "port": {"x-kubernetes-int-or-string": True},
                    "opt": {"type": "string", "nullable": True}}},
                "status": {"type": "object", "properties": {"phase": {"type": "string"}}}}}},
        }],
    },
}


def pod(**more):
    return {"containers": [{"name": "a", "image": "b"}], **more}


def template(**more):
    return {"template": {"metadata": {"labels": {"a": "b"}}, "spec": pod(**more)}}


def selector(labels):
    return {"selector": {"matchLabels": labels}}


def named(name, **more):
    return {"metadata": {"name": name}, **more}


def widget(spec, **more):
    return {"apiVersion": "recorded.boathook.dev/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": spec, **more}


def config(data, **metadata):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", **metadata}, "data": data}


def deployment(*containers, **spec):
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"},
        "spec": {**spec, **selector({"a": "b"}), "template": {
            "metadata": {"labels": {"a": "b"}}, "spec": {"containers": list(containers)}}},
    }


DRY = "?dryRun=All"
JOB = {"restartPolicy": "Never"}

REQUESTS = [
    # Defaults.
    ("POST", BATCH + "/jobs" + DRY, JSON, named("a", spec={"template": {"spec": {
        "restartPolicy": "Never",
        "containers": [{
            "name": "a", "image": "b:1", "ports": [{"containerPort": 80}],
            "env": [{"name": "x", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
            "livenessProbe": {"httpGet": {"port": 80}}}],
        "volumes": [{"name": "v", "configMap": {"name": "z"}}, {"name": "w"},
                    {"name": "s", "secret": {"secretName": "x"}}]}}})),
    ("POST", BATCH + "/jobs" + DRY, JSON, named("a", spec={"parallelism": 2, **template(**JOB)})),
    ("POST", BATCH + "/cronjobs" + DRY, JSON, named("a", spec={
        "schedule": "* * * * *", "jobTemplate": {"spec": {"template": {"spec": pod(**JOB)}}}})),
    ("POST", APPS + "/deployments" + DRY, JSON, {"metadata": {"name": "a", "labels": {}}, "spec": {
        **selector({"a": "b"}),
        "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"hostNetwork": False, "containers": [{
            "name": "a", "image": "b", "args": [], "tty": False,
            "resources": {"limits": {"cpu": 0.5, "memory": "1024Mi"}}}]}}}}),
    ("POST", APPS + "/statefulsets" + DRY, JSON, named("a", spec={
        "serviceName": "x", **selector({"a": "b"}), **template(), "volumeClaimTemplates": [named("d", spec={
            "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}})]})),
    ("POST", APPS + "/daemonsets" + DRY, JSON, named("a", spec={**selector({"a": "b"}), **template()})),
    ("POST", APPS + "/replicasets" + DRY, JSON, named("a", spec={**selector({"a": "b"}), **template()})),
    ("POST", CORE + "/pods" + DRY, JSON, named("a", spec=pod())),
    ("POST", CORE + "/pods" + DRY, JSON, named("a", spec={"containers": [
        {"name": "a", "image": "b@sha256:" + "0" * 64, "resources": {"limits": {"cpu": "1"}}}]})),
    ("POST", CORE + "/services" + DRY, JSON, named("a", spec={"ports": [{"port": 80}], "selector": {"a": "b"}})),
    ("POST", CORE + "/services" + DRY, JSON, named("a", spec={
        "clusterIP": "None", "ports": [{"port": 80, "targetPort": "http"}], "selector": {"a": "b"}})),
    ("POST", CORE + "/persistentvolumeclaims" + DRY, JSON, named("a", spec={
        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}})),
    ("POST", "/api/v1/namespaces" + DRY, JSON, named("boathook-other")),
    ("POST", CORE + "/secrets" + DRY, JSON, named("a", stringData={"a": "b"}, data={"c": "ZA=="})),
    ("POST", NET + "/ingresses" + DRY, JSON, named("a", spec={"rules": [{"http": {"paths": [{
        "path": "/", "pathType": "Prefix", "backend": {"service": {"name": "a", "port": {"number": 80}}}}]}}]})),
    ("POST", RBAC + "/rolebindings" + DRY, JSON, named(
        "a", roleRef={"kind": "Role", "name": "x"}, subjects=[{"kind": "ServiceAccount", "name": "z"}])),
    ("POST", CORE + "/events" + DRY, JSON, named(
        "a", involvedObject={"kind": "Pod", "name": "x", "namespace": NS}, reason="x", message="m")),
    ("POST", CORE + "/serviceaccounts" + DRY, JSON, named("a")),
    # Bodies that are not what they should be.
    ("POST", BATCH + "/jobs" + DRY, JSON, named("a", spec={"backoffLimit": "3", **template(**JOB)})),
    ("POST", BATCH + "/jobs" + DRY, JSON, named("a", spec={"backoffLimit": 3.5})),
    ("POST", BATCH + "/jobs" + DRY, JSON, named("a", spec={"suspend": "yes"})),
    ("POST", BATCH + "/jobs" + DRY, JSON, named("a", spec={"template": []})),
    ("POST", BATCH + "/jobs" + DRY, JSON, named("a", spec={"template": {"spec": {"containers": {}}}})),
    ("POST", BATCH + "/jobs" + DRY, JSON, {"metadata": {"name": "a", "labels": {"a": 1}}}),
    ("POST", BATCH + "/jobs" + DRY + "&fieldValidation=Strict", JSON,
     '{"metadata":{"name":"a","name":"a"},"spec":{"foo":1,"bar":{"x":2}}}'),
    ("POST", BATCH + "/jobs" + DRY, JSON, named("a", spec={"template": {"spec": {"containers": [
        {"name": "a", "resources": {"limits": {"cpu": "abc"}}}]}}})),
    # Rules of the kinds.
    ("POST", BATCH + "/jobs" + DRY, JSON, named("A", spec={"completions": -1, "template": {"spec": {}}})),
    ("POST", BATCH + "/jobs" + DRY, JSON, named("a", spec=template())),
    ("POST", BATCH + "/jobs" + DRY, JSON, named("a", spec={
        "parallelism": -1, "backoffLimit": -1, "completionMode": "Foo", **template(**JOB)})),
    ("POST", BATCH + "/cronjobs" + DRY, JSON, named("a", spec={
        "schedule": "x", "jobTemplate": {"spec": {"template": {"spec": pod()}}}})),
    ("POST", APPS + "/deployments" + DRY, JSON, named("a", spec={**selector({"z": "b"}), **template()})),
    ("POST", APPS + "/deployments" + DRY, JSON, named("a", spec=template())),
    ("POST", APPS + "/deployments" + DRY, JSON, named("a", spec={
        "replicas": -1, "minReadySeconds": -1, **selector({"a": "b"}), **template(restartPolicy="Never")})),
    ("POST", CORE + "/pods" + DRY, JSON, named("a", spec={
        "restartPolicy": "x",
        "containers": [
            {"name": "a", "image": " b", "imagePullPolicy": "z", "ports": [{"containerPort": 0}],
             "env": [{"name": ""}], "volumeMounts": [{"name": "nope", "mountPath": "/x"}]},
            {"name": "a", "image": "b"}]})),
    ("POST", CORE + "/services" + DRY, JSON, named("1a.", spec={"type": "Foo", "ports": [{"port": 70000}]})),
    ("POST", "/api/v1/namespaces" + DRY, JSON, named("a.b")),
    ("POST", CORE + "/configmaps" + DRY, JSON, named("a", data={"a b": "c"})),
    ("POST", CORE + "/persistentvolumeclaims" + DRY, JSON, named("a", spec={})),
    # Patches and owners of fields.
    ("POST", CORE + "/configmaps", JSON, config({"a": "1"}, finalizers=["a.b/1", "a.b/2"])),
    ("PATCH", CORE + "/configmaps/c", PATCH, [{"op": "test", "path": "/data/a", "value": "2"}]),
    ("PATCH", CORE + "/configmaps/c", PATCH, [{"op": "remove", "path": "/data/zz"}]),
    ("PATCH", CORE + "/configmaps/c", PATCH, [{"op": "replace", "path": "/data/zz", "value": "1"}]),
    ("PATCH", CORE + "/configmaps/c", PATCH, {"op": "foo"}),
    ("PATCH", CORE + "/configmaps/c", MERGE, [1]),
    ("PATCH", CORE + "/configmaps/c", STRATEGIC, {"$patch": "foo"}),
    ("PATCH", CORE + "/configmaps/c", STRATEGIC, {"metadata": {
        "$deleteFromPrimitiveList/finalizers": ["a.b/1"], "finalizers": ["c.d/3"]}}),
    ("PATCH", CORE + "/configmaps/c?fieldManager=other", MERGE, {"data": {"b": "2"}}),
    ("PATCH", CORE + "/configmaps/c?fieldManager=x", APPLY, config({"a": "2"})),
    ("PATCH", CORE + "/configmaps/c?fieldManager=x", APPLY, config({"a": "2", "b": "3"})),
    ("PATCH", CORE + "/configmaps/c?fieldManager=x&force=true", APPLY, config({"a": "2", "n": "1"})),
    ("PATCH", CORE + "/configmaps/c?fieldManager=x&force=true", APPLY, config({"a": "2", "n": "1"})),
    ("PATCH", CORE + "/configmaps/c?fieldManager=y", APPLY, config({"a": "2"})),
    ("PATCH", CORE + "/configmaps/c?fieldManager=x", APPLY, config({"m": "1"})),
    ("PATCH", CORE + "/configmaps/c?fieldManager=y", APPLY, config({})),
    ("PATCH", CORE + "/configmaps/c?fieldManager=x", APPLY, {**config({}), "foo": 1}),
    ("PATCH", CORE + "/configmaps/c?fieldManager=x", APPLY, config({"a": 2})),
    ("PATCH", CORE + "/configmaps/c?fieldManager=x", APPLY, config({}, managedFields=[])),
    ("PATCH", CORE + "/configmaps/c", MERGE, {"metadata": {"managedFields": [{}]}}),
    ("PATCH", CORE + "/configmaps/c", MERGE, {"data": {"late": "1"}}),
    ("PATCH", CORE + "/configmaps/c?fieldManager=x", APPLY, config({"late": "2"})),
    ("PATCH", CORE + "/configmaps/c?fieldManager=x", APPLY, config({"late": "1", "own": "1"})),
    ("PATCH", CORE + "/configmaps/c", MERGE, {"metadata": {"finalizers": None}}),
    ("PATCH", APPS + "/deployments/d?fieldManager=x", APPLY, deployment(
        {"name": "a", "image": "b", "ports": [{"containerPort": 80}, {"containerPort": 81, "name": "y"}],
         "env": [{"name": "E", "value": "1"}], "command": ["x", "y"]}, replicas=0)),
    ("PATCH", APPS + "/deployments/d?fieldManager=y", APPLY, deployment(
        {"name": "side", "image": "c"}, {"name": "a", "image": "b"})),
    ("PATCH", APPS + "/deployments/d?fieldManager=x", APPLY, deployment(
        {"name": "a", "image": "b", "ports": [{"containerPort": 81, "name": "y"}], "env": [{"name": "F"}]})),
    ("PATCH", APPS + "/deployments/d?fieldManager=z", STRATEGIC, {"spec": {"replicas": 0, "template": {"spec": {
        "$setElementOrder/containers": [{"name": "a"}, {"name": "side"}],
        "containers": [{"name": "a", "image": "b2"}]}}}}),
    ("PATCH", APPS + "/deployments/d?fieldManager=x", APPLY, deployment({"name": "a", "image": "b3"})),
    ("PATCH", APPS + "/deployments/d?fieldManager=x", APPLY, deployment({"name": "a", "image": "b"}, {"name": "a"})),
    ("PATCH", APPS + "/deployments/d", MERGE, {"spec": {"selector": {"matchLabels": {"x": "y"}}}}),
    ("PATCH", APPS + "/deployments/d", MERGE, {"spec": {"strategy": {"type": "Recreate"}}}),
    ("POST", BATCH + "/jobs", JSON, named("k", spec={"suspend": True, **template(**JOB)})),
    ("PATCH", BATCH + "/jobs/k", MERGE, {"spec": {"completions": 3}}),
    ("PATCH", BATCH + "/jobs/k", MERGE, {"spec": {"completionMode": "Indexed"}}),
    ("POST", CORE + "/configmaps", JSON, named("im", immutable=True, data={"a": "b"})),
    ("PATCH", CORE + "/configmaps/im", MERGE, {"immutable": False, "data": {"a": "c"}}),
    ("POST", CORE + "/secrets", JSON, named("im", immutable=True, stringData={"a": "b"})),
    ("PATCH", CORE + "/secrets/im", MERGE, {"type": "x", "data": {"a": "Yw=="}}),
    ("POST", APPS + "/statefulsets", JSON, named("s", spec={"replicas": 0, **selector({"a": "b"}), **template()})),
    ("PATCH", APPS + "/statefulsets/s", MERGE, {"spec": {"serviceName": "q"}}),
    # Custom resources.
    ("POST", WIDGETS, JSON, widget({"size": "x", "name": "A", "mode": "q", "parts": [{"n": 1}], "opt": None})),
    ("POST", WIDGETS, JSON, widget({"size": 11, "name": "abcdefgh", "parts": [{"id": "x"}, {"id": "x"}]})),
    ("POST", WIDGETS + "?fieldValidation=Strict", JSON, widget({"size": 1, "foo": 1, "free": {"x": 1}})),
    ("POST", WIDGETS, JSON, widget({
        "size": 1, "foo": 1, "parts": [{"id": "x", "n": 1}], "free": {"q": {"r": 1}, "l": [1]}, "tags": ["t"],
        "plain": ["p"]}, status={"phase": "x"})),
    ("PATCH", WIDGETS + "/w", STRATEGIC, {}),
    ("PATCH", WIDGETS + "/w?fieldManager=m", APPLY, widget({"foo": "x", "size": 1})),
    ("PATCH", WIDGETS + "/w?fieldManager=m", APPLY, widget({"size": 2, "parts": [{"id": "x", "n": 2}, {"id": "y"}]})),
    ("PATCH", WIDGETS + "/w?fieldManager=m&force=true", APPLY, widget({
        "size": 2, "parts": [{"id": "x", "n": 2}, {"id": "y"}], "tags": ["t", "u"]})),
    ("PATCH", WIDGETS + "/w?fieldManager=m", APPLY, widget({"size": 2})),
    ("PATCH", WIDGETS + "/w/status?fieldManager=m", MERGE, {"status": {"phase": "r"}, "spec": {"size": 4}}),
    ("PATCH", WIDGETS + "/w?fieldManager=m", MERGE, {"spec": {"size": "x"}}),
]


def ask(method, path, kind, body):
    body = body if isinstance(body, str) else json.dumps(body)
    headers = {"Content-Type": kind, "User-Agent": "recorder/1"}
    request = urllib.request.Request(SERVER + path, body.encode(), headers, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer), answer.headers.get_all("Warning") or []
    except urllib.error.HTTPError as error:
        return error.code, json.load(error), error.headers.get_all("Warning") or []


def blank(value, uid):
    if isinstance(value, dict):
        return {blank(k, uid): blank(v, uid) for k, v in value.items()}
    if isinstance(value, list):
        return [blank(v, uid) for v in value]
    if isinstance(value, str):
        value = value.replace(uid, "UID") if uid else value
        return re.sub(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$", "TIME", value)
    return value


def trim(answer):
    metadata = answer.get("metadata", {})
    if answer.get("kind") == "Status":
        details = answer.get("details", {})
        return {"message": answer["message"], "reason": answer.get("reason", ""), "causes": details.get("causes", [])}
    uid = metadata.get("uid", "")
    for field in ("creationTimestamp", "uid", "resourceVersion"):
        metadata.pop(field, None)
    if answer["kind"] == "Service":
        for field in ("clusterIP", "clusterIPs"):
            if answer["spec"].get(field) not in ("None", ["None"]):
                answer["spec"].pop(field)
    if answer["kind"] not in ("Widget", "Pod", "Namespace"):
        answer.pop("status", None)
    metadata.get("annotations", {}).pop("deployment.kubernetes.io/revision", None)
    if not metadata.get("annotations", True):
        del metadata["annotations"]
    managers = [m for m in metadata.get("managedFields", []) if "kube-controller" not in m["manager"]]
    if managers:
        metadata["managedFields"] = managers
    return blank(answer, uid)


def main():
    ask("POST", "/api/v1/namespaces", JSON, named(NS))
    ask("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", JSON, CRD)
    time.sleep(5)
    print(json.dumps({"definition": CRD}))
    for method, path, kind, body in REQUESTS:
        if method == "PATCH":
            time.sleep(1.1)  # Times are whole seconds and order the managers.
        code, answer, warnings = ask(method, path, kind, body)
        line = {"method": method, "path": path, "type": kind, "body": body, "code": code, "answer": trim(answer)}
        if warnings:
            line["warnings"] = warnings
        print(json.dumps(line))
    ask("DELETE", "/api/v1/namespaces/" + NS, JSON, "{}")
    ask("DELETE", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/" + CRD["metadata"]["name"], JSON, "{}")


main()
