<?php
// A registry's endpoint on PHP's SoapServer, run by PHP's own web server in the directory that holds what it needs:
// wsdl (a file with the URL of the registry's WSDL), answers.json (operation to reply or {"fault": TEXT}, else
// "accepted"). Each request is added as a line of JSON to received.jsonl.

final class Registry
{
    public function __call(string $operation, array $arguments): array
    {
        $received = ['operation' => $operation, 'request' => $arguments[0]];
        file_put_contents('received.jsonl', json_encode($received, JSON_THROW_ON_ERROR) . "\n", FILE_APPEND | LOCK_EX);

        $answers = json_decode(file_get_contents('answers.json'), true, flags: JSON_THROW_ON_ERROR);
        $answer = $answers[$operation] ?? ['resultIdentifier' => 1];
        if (isset($answer['fault'])) {
            throw new SoapFault('Server', $answer['fault']);
        }
        return $answer;
    }
}

$server = new SoapServer(file_get_contents('wsdl'), ['cache_wsdl' => WSDL_CACHE_NONE]);
$server->setObject(new Registry());
$server->handle();
