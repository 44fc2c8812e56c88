from tests.account import ANA, Account, Channel
from postroad_aws.usecases.send_message import send_message

def test_smoke(account):
    m = account.sign_up()
    assert send_message(account.ports, m.message_id) == "sent"
    print(account.messages("email:"+ANA), account.names("email:"+ANA))
    assert 0
