"""Prints the template as SAM's transform hands it to CloudFormation.

Linting alone misses what comes of the transform: an error in a deployment preference passes, and checkov does not see the
function URL. Run with the Python of the tools' environment, from the root; docs/operations.md has all the checks:

    python infra/expand.py > target/expanded.json
"""

import json
import logging

import boto3
from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

# It tells of every feature switch that is not there.
logging.getLogger("samtranslator").setLevel(logging.ERROR)

with open("template.yaml", encoding="utf-8") as file:
    template = yaml_parse(file.read())

# `sam package` puts an address in S3 here.
template["Globals"]["Function"]["CodeUri"] = "s3://bucket/key"
# Likewise; nested templates are linted on their own.
for resource in template["Resources"].values():
    if resource["Type"] == "AWS::CloudFormation::Stack":
        resource["Properties"]["TemplateURL"] = "https://s3.amazonaws.com/bucket/key"

parameters = {name: str(parameter.get("Default", "none")) for name, parameter in template["Parameters"].items()}
# No managed policy is named in the template, so none has to be looked up.
session = boto3.Session(region_name="us-east-1")
expanded = Translator({}, Parser(), [], session).translate(template, parameters)
print(json.dumps(expanded, indent=1, default=str))
