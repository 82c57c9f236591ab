// Writes src/api-types.ts: what the API's description (docs/openapi.json, made of the server's types) says, in TypeScript.
//
//   node scripts/api-types.mjs            writes it
//   node scripts/api-types.mjs --check    only says whether it is what it should be
//
// Of our own, because openapi-typescript needs the compiler's programming interface, which TypeScript 7 has no longer.

import { readFileSync, writeFileSync } from "node:fs";

const FROM = new URL("../../docs/openapi.json", import.meta.url);
const TO = new URL("../src/api-types.ts", import.meta.url);

const HEAD = `// Made by scripts/api-types.mjs from docs/openapi.json: change the server's types instead.
`;

/** The whole file for a description. */
export function typesOf(description) {
  const schemas = Object.entries(description.components.schemas);
  return HEAD + schemas.map(([name, schema]) => "\n" + comment(schema, "") + declaration(name, schema)).join("");
}

function declaration(name, schema) {
  // Only what is an object and nothing else can be an interface.
  if (schema.type === "object" && schema.properties) return `export interface ${name} ${objectType(schema, "")}\n`;
  return `export type ${name} = ${typeOf(schema, "")};\n`;
}

function typeOf(schema, indent) {
  if (schema.$ref) return schema.$ref.split("/").at(-1);
  if (schema.allOf) return schema.allOf.map((part) => typeOf(part, indent)).join(" & ");
  const either = schema.oneOf ?? schema.anyOf;
  if (either) return [...new Set(either.map((part) => typeOf(part, indent)))].join(" | ");
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if ("const" in schema) return JSON.stringify(schema.const);
  if (Array.isArray(schema.type)) return schema.type.map((type) => typeOf({ ...schema, type }, indent)).join(" | ");
  switch (schema.type) {
    case "string":
    case "boolean":
    case "null":
      return schema.type;
    case "integer":
    case "number":
      return "number";
    case "array":
      if (schema.prefixItems) return "[" + schema.prefixItems.map((item) => typeOf(item, indent)).join(", ") + "]";
      return arrayOf(typeOf(schema.items, indent));
    case "object":
      if (schema.properties) return objectType(schema, indent);
      return `Record<string, ${schema.additionalProperties ? typeOf(schema.additionalProperties, indent) : "unknown"}>`;
    default:
      return "unknown";
  }
}

function arrayOf(item) {
  return /^[\w.]+$/.test(item) || item.startsWith("[") ? item + "[]" : `(${item})[]`;
}

function objectType(schema, indent) {
  const inner = indent + "  ";
  const required = new Set(schema.required);
  const lines = Object.entries(schema.properties).map(([name, property]) => {
    const mark = required.has(name) ? "" : "?";
    return comment(property, inner) + `${inner}${key(name)}${mark}: ${typeOf(property, inner)};\n`;
  });
  return `{\n${lines.join("")}${indent}}`;
}

function key(name) {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}

function comment(schema, indent) {
  const text = schema.description?.trim().replaceAll("*/", "* /");
  if (!text) return "";
  const lines = text.split("\n").map((line) => line.trim());
  if (lines.length === 1) return `${indent}/** ${lines[0]} */\n`;
  return `${indent}/**\n${lines.map((line) => `${indent} * ${line}`.trimEnd() + "\n").join("")}${indent} */\n`;
}

if (process.argv[1] && import.meta.url === new URL(process.argv[1], "file:").href) {
  const made = typesOf(JSON.parse(readFileSync(FROM, "utf8")));
  if (process.argv.includes("--check")) {
    if (readFileSync(TO, "utf8") !== made) {
      console.error("web/src/api-types.ts is not what docs/openapi.json says; run: node web/scripts/api-types.mjs");
      process.exitCode = 1;
    }
  } else {
    writeFileSync(TO, made);
  }
}
