<?php
// Issue 100 AAU, and carry it out when the log has checked it: php issue.php GB900004 3001 [URL]
[, $identifier, $first] = $argv;
$url = $argv[3] ?? 'http://127.0.0.1:8080/TransactionLogService';
$log = new SoapClient("$url?wsdl", ['login' => 'gb', 'password' => 'gb', 'cache_wsdl' => WSDL_CACHE_NONE]);
$head = ['from' => 'GB', 'to' => 'ITL', 'majorVersion' => 1, 'minorVersion' => 1];

$answer = $log->acceptProposal($head + ['proposedTransaction' => [
    'transactionIdentifier' => $identifier,
    'transactionType' => 1,
    'transferringRegistryCode' => 'GB',
    'acquiringRegistryCode' => 'GB',
    'acquiringRegistryAccountType' => 100,
    'acquiringRegistryAccountIdentifier' => 1001,
    'proposalUnitBlocks' => [[
        'unitSerialBlockStart' => $first,
        'unitSerialBlockEnd' => $first + 99,
        'originatingRegistryCode' => 'GB',
        'unitType' => 1,
        'originalCommitPeriod' => 2,
        'applicableCommitPeriod' => 2,
    ]],
]]);
echo "proposed: result $answer->resultIdentifier\n";
if ($answer->resultIdentifier !== 1) {
    exit('refused: ' . implode(' ', $answer->responseCodes) . "\n");
}

// A real registry waits for the notification that its endpoint gets; this script asks.
do {
    usleep(200000);
    $status = $log->getTransactionStatus($head + ['transactionIdentifier' => $identifier])->transactionStatus;
} while ($status === 1);
echo "checked: status $status\n";
if ($status === 2) {
    $answer = $log->acceptNotification($head + [
        'transactionIdentifier' => $identifier,
        'transactionStatus' => 4,
        'partyType' => 1,
        'evaluationResult' => [],
    ]);
    echo "completed: result $answer->resultIdentifier\n";
}
