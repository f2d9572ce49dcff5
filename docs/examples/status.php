<?php
// Ask the log where a transaction stands: php status.php GB900001 [URL]
$url = $argv[2] ?? 'http://127.0.0.1:8080/TransactionLogService';
$log = new SoapClient("$url?wsdl", [
    'login' => 'gb',
    'password' => 'gb',
    'cache_wsdl' => WSDL_CACHE_NONE,
    'exceptions' => true,
]);
$answer = $log->getTransactionStatus([
    'from' => 'GB',
    'to' => 'ITL',
    'majorVersion' => 1,
    'minorVersion' => 1,
    'transactionIdentifier' => $argv[1],
]);
echo "result {$answer->resultIdentifier}, status {$answer->transactionStatus}\n";
