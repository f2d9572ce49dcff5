<?php
// A registry on PHP's SoapClient. Reads calls from standard input as JSON, [{"operation": ..., "request": {...}}, ...];
// prints what it read back: [{"reply": {...}} or {"fault": {"code": ..., "string": ..., "detail": ...}}, ...].
// Usage: php client.php URL separate|shared USER PASSWORD
//        php client.php URL separate|shared CERTIFICATE KEY AUTHORITY
// "shared" makes one object of all equal ones, which SoapClient then sends once and refers to by href.

[, $url, $objects] = $argv;
if (count($argv) === 5) {
    $identity = ['login' => $argv[3], 'password' => $argv[4]];
} else {
    $tls = ['local_cert' => $argv[3], 'local_pk' => $argv[4], 'cafile' => $argv[5]];
    $identity = ['stream_context' => stream_context_create(['ssl' => $tls])];
}

function shared(mixed $value, array &$known): mixed
{
    if (!is_object($value) && !is_array($value)) {
        return $value;
    }
    $key = json_encode($value);
    foreach ($value as $name => $member) {
        $member = shared($member, $known);
        is_array($value) ? $value[$name] = $member : $value->$name = $member;
    }
    return is_array($value) ? $value : $known[$key] ??= $value;
}

$client = new SoapClient("$url?wsdl", $identity + [
    'location' => $url,
    'cache_wsdl' => WSDL_CACHE_NONE,
    'exceptions' => true,
]);
$known = [];
$outcomes = [];
foreach (json_decode(stream_get_contents(STDIN), flags: JSON_THROW_ON_ERROR) as $call) {
    $request = $objects === 'shared' ? shared($call->request, $known) : $call->request;
    try {
        $outcomes[] = ['reply' => $client->__soapCall($call->operation, [$request])];
    } catch (SoapFault $fault) {
        $outcomes[] = ['fault' => [
            'code' => $fault->faultcode,
            'string' => $fault->faultstring,
            'detail' => $fault->detail ?? null,
        ]];
    }
}
echo json_encode($outcomes, JSON_THROW_ON_ERROR), "\n";
