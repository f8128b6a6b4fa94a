"""Where a client is told that somebody has signed out (OpenID Connect Back-Channel Logout)."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("applications", "0015_signal_streams")]

    operations = [
        migrations.AddField(
            model_name="client",
            name="backchannel_logout_uri",
            field=models.CharField(blank=True, db_default="", default="", max_length=500),
        ),
    ]
