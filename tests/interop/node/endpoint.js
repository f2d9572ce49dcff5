// A registry's endpoint on node soap, run in the directory that holds what it needs: answers.json (operation to reply or
// {"fault": TEXT}, else "accepted"). Each request is added as a line of JSON to received.jsonl. Prints its root URL.
// Usage: node endpoint.js WSDL
'use strict';

const fs = require('node:fs');
const http = require('node:http');
const soap = require('soap');
const { decoded, encoded } = require('./values');

function answer(operation, { [`${operation}Request`]: part }) {
  fs.appendFileSync('received.jsonl', `${JSON.stringify({ operation, request: decoded(part) })}\n`);
  const reply = JSON.parse(fs.readFileSync('answers.json', 'utf8'))[operation] ?? { resultIdentifier: 1 };
  if (reply.fault) throw { Fault: { faultcode: 'soap:Server', faultstring: reply.fault } };
  return { [`${operation}Response`]: encoded(reply) };
}

async function main([uri]) {
  const xml = await (await fetch(uri)).text();
  const operations = [...xml.matchAll(/<operation name="(\w+)"/g)].map(([, name]) => name);
  const RegistryPort = Object.fromEntries(operations.map((name) => [name, (request) => answer(name, request)]));
  const server = http.createServer();
  server.listen(0, '127.0.0.1', () => {
    const callback = () => console.log(`http://127.0.0.1:${server.address().port}`);
    const services = { RegistryService: { RegistryPort } };
    const { wsdl } = soap.listen(server, { path: '/RegistryPort', services, xml, uri, callback });
    wsdl.options.preserveWhitespace = true; // else text is trimmed
  });
}

main(process.argv.slice(2));
